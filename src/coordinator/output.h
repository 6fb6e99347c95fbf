// SPDX-License-Identifier: MIT
// A dream's place in the output folder.
#ifndef ONEIROS_COORDINATOR_OUTPUT_H
#define ONEIROS_COORDINATOR_OUTPUT_H

#include "common/config.h"
#include "coordinator/task.h"

// Writes task->image to <output>/<name>/dream.png, .tif or .jpg, and its name to the task's record. What was stopped is called
// dream.partial.*, so that nobody takes it for a finished one.
enum status output_write(const struct config *config, const char *output, struct task *task) MUST_CHECK;

// Begins what is written while the image is being worked on: its film, if the configuration wants one, or its explanation. task->image is
// still the original.
enum status output_begin_film(const struct config *config, const char *output, struct task *task) MUST_CHECK;
enum status output_begin_explanation(const struct run_file_header *header, const char *output, struct task *task) MUST_CHECK;

// Ends what was begun: complete if all went well, absent otherwise. What went wrong on the way is returned here.
enum status output_end(struct task *task) MUST_CHECK;

#endif
