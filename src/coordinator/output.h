// SPDX-License-Identifier: MIT
// A dream's place in the output folder.
#ifndef ONEIROS_COORDINATOR_OUTPUT_H
#define ONEIROS_COORDINATOR_OUTPUT_H

#include "common/config.h"
#include "coordinator/task.h"

// Writes task->image to <output>/<name>/dream.png or .tif, and its name to the task's record. What was stopped is called dream.partial.*,
// so that nobody takes it for a finished one.
enum status output_write(const struct config *config, const char *output, struct task *task) MUST_CHECK;

// Begins the film of the image that is about to be dreamed, if the configuration wants one: task->image is still the original.
enum status output_begin_film(const struct config *config, const char *output, struct task *task) MUST_CHECK;

#endif
