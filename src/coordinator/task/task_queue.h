// SPDX-License-Identifier: MIT
// Tasks that wait: decoded images for a team, and dreams whose outputs are being written.
#pragma once

#include "coordinator/task/task.h"

// Zeroed: empty. Owns its tasks.
struct task_queue {
    struct task *first;
    int count;
    double bytes; // of pixels
};

// Behind those of as much work or more: the largest first, equal ones in the order of the calls.
void task_queue_put(struct task_queue *queue, struct task *task);

void task_queue_append(struct task_queue *queue, struct task *task);

// The first; NULL if there is none.
struct task *task_queue_take(struct task_queue *queue);

// Of tasks behind output_end(): the first whose outputs are written, or, where more than `most` are left, the first in any case:
// output_finish() then waits for it. NULL: none.
struct task *task_queue_take_written(struct task_queue *queue, int most);

void task_queue_clear(struct task_queue *queue);
