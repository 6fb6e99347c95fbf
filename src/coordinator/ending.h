// SPDX-License-Identifier: MIT
// Pictures that are dreamed and saved, while the last frames of their films are being encoded: nobody waits for these.
#ifndef ONEIROS_COORDINATOR_ENDING_H
#define ONEIROS_COORDINATOR_ENDING_H

#include "coordinator/task.h"

// Zeroed: empty. Owns its tasks.
struct ending {
    struct task *first; // the oldest
    int count;
};

// Ends the task's film, which it has. Does not wait.
void ending_put(struct ending *ending, struct task *task);

// The oldest task whose film is done, or, where more than `most` are left, the oldest in any case: film_finish() then waits for it. NULL:
// none.
struct task *ending_take(struct ending *ending, int most);

void ending_clear(struct ending *ending);

#endif
