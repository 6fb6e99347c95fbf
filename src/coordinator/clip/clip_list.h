// SPDX-License-Identifier: MIT
// The clips that are under way.
#pragma once

#include "coordinator/clip/clip.h"

struct clip_list { // zeroed: none
    struct clip_options options;
    enum status (*ended)(void *context, struct task *task); // a clip has come to its end: its task is the receiver's
    void *context;
    struct clip **items; // [count]
    int count, room;
};

void clip_list_destroy(struct clip_list *list);

// Takes the task.
enum status clip_list_add(struct clip_list *list, struct task *task) MUST_CHECK;

// A frame has come back: takes the task.
enum status clip_list_frame_ended(struct clip_list *list, struct task *frame) MUST_CHECK;

// Goes on with all of them, and hands the dispatcher frames that can be dreamed, as many as it wants.
enum status clip_list_turn(struct clip_list *list, bool *found) MUST_CHECK;

// Segments that have not begun: a dispatcher will want for work no sooner than these.
int64_t clip_list_coming(const struct clip_list *list);

// Nothing more will be dreamed, and no frame is in hand.
enum status clip_list_stop(struct clip_list *list) MUST_CHECK;
