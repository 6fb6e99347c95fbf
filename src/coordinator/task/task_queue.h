// SPDX-License-Identifier: MIT
// Decoded images that wait for a team, the largest first, equal ones in the order of the inputs.
#pragma once

#include "coordinator/task/task.h"

// Zeroed: empty. Owns its tasks.
struct task_queue {
    struct task *first;
    int count;
    double bytes; // of pixels
};

void task_queue_put(struct task_queue *ready, struct task *task);
struct task *task_queue_take(struct task_queue *ready); // the first; NULL if there is none
void task_queue_clear(struct task_queue *ready);
