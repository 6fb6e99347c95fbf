// SPDX-License-Identifier: MIT
// What the parts of dispatcher.h share: private to dispatcher*.c.
#pragma once

#include "coordinator/schedule/baseline_images.h"
#include "coordinator/schedule/dispatcher.h"
#include "coordinator/schedule/teams.h"

struct dispatcher {
    struct dispatcher_options options;
    struct task_queue ready; // for a team
    struct teams teams;
    struct task_queue unwritten; // dreamed; nobody waits for their outputs
    struct baseline_images baselines;
    int64_t coming;  // see dispatcher_turn()
    bool look_again; // something changed since an image was last found no team
    bool all_taken;  // no further image will come
    bool stopping, told;
    bool warned; // that the run file could not be written
    // Where the one worker is led by calls.
    struct lead lead;
    enum status (*turn)(void *context, struct job *job, bool *found);
    void *turn_context;
    double turned; // when, seconds of the monotonic clock
};

// What has come of an image in hand: REPORT_STEP, REPORT_PART or REPORT_BEFORE; a part of an array, whose `values` it takes in any case.
enum status dispatcher_take_report(struct dispatcher *dispatcher, struct task *task, const struct report *report) MUST_CHECK;
enum status dispatcher_take_array(struct dispatcher *dispatcher, struct task *task, const struct array_part *part,
                                  float *values) MUST_CHECK;

// task->result has come, all that the team found out, and the pixels if there are any, which are in task->image: its outputs are ended.
enum status dispatcher_end_task(struct dispatcher *dispatcher, struct task *task) MUST_CHECK;
