// SPDX-License-Identifier: MIT
// What a person should know of a picture besides how it was read: where less will come of it than the settings ask for.
#pragma once

#include "coordinator/task/task.h"

// Of a picture that has been loaded, or looked at: without alpha, then.
void task_notices_loaded(struct image *image, const struct config *config, bool explains);

// Of one that is done, with its rows.
void task_notices_done(struct task *task, const struct config *config);
