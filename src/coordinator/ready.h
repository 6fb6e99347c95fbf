// SPDX-License-Identifier: MIT
// Decoded images that wait for a team, the largest first, equal ones in the order of the inputs.
#ifndef ONEIROS_COORDINATOR_READY_H
#define ONEIROS_COORDINATOR_READY_H

#include "coordinator/task.h"

// Zeroed: empty. Owns its tasks.
struct ready {
    struct task *first;
    int count;
    double bytes; // of pixels
};

void ready_put(struct ready *ready, struct task *task);
struct task *ready_take(struct ready *ready); // the first; NULL if there is none
void ready_clear(struct ready *ready);

#endif
