// SPDX-License-Identifier: MIT
// Pictures that are dreamed, while their outputs are being written: nobody waits for these.
#pragma once

#include "coordinator/task/task.h"

// Zeroed: empty. Owns its tasks.
struct ending {
    struct task *first; // the oldest
    int count;
};

// A task behind output_end().
void ending_put(struct ending *ending, struct task *task);

// The oldest task whose outputs are written, or, where more than `most` are left, the oldest in any case: output_finish() then waits for
// it. NULL: none.
struct task *ending_take(struct ending *ending, int most);

void ending_clear(struct ending *ending);
