// SPDX-License-Identifier: MIT
// A clip on its way: a video that is dreamed, or a zoom into a picture. Its segments' frames are tasks of their own (JOB_FRAME), which the
// dispatcher gives to teams like pictures; each goes on from the one before it, which this keeps.
#pragma once

#include "coordinator/schedule/dispatcher.h"

struct clip;

struct clip_options {
    const struct run_setup *setup;
    struct checkpoint_folder *checkpoints;
    struct run_file *run_file;
    struct progress *progress;
    struct dispatcher *dispatcher;
};

// Takes the task, which is loaded; in any case. On failure *clip is NULL, and *task its own with the reason in its record.
enum status clip_create(struct clip **clip, const struct clip_options *options, struct task **task) MUST_CHECK;
void clip_destroy(struct clip **clip); // no frame of it is in hand; NULL inside is fine

// The task of a frame that can be dreamed now; NULL: none. `more`: further segments may be begun for it.
enum status clip_next(struct clip *clip, bool more, struct task **task) MUST_CHECK;

// Segments that have not begun.
int64_t clip_coming(const struct clip *clip);

// Whether a frame is one of it.
bool clip_has(const struct clip *clip, const struct task *frame);

// A frame of it has come back, whatever became of it. Takes the task.
enum status clip_frame_ended(struct clip *clip, struct task *frame) MUST_CHECK;

// Goes on with all but the dreaming. *task: the clip's own, when it has come to its end: done and written, or failed. It is the caller's,
// and the clip of no use but to be destroyed.
enum status clip_turn(struct clip *clip, bool *found, struct task **task) MUST_CHECK;

// No further frame will be dreamed, and none is in hand: writes what it goes on from, and what there is of the clip. Returns its task.
enum status clip_stop(struct clip *clip, struct task **task) MUST_CHECK;
