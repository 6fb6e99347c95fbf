// SPDX-License-Identifier: MIT
// All that is written of one image, in its folder <output>/<name>: its film and its dream, or what explains it, and its checkpoints. It is
// done by a work queue (work_queue.h), in the order of the calls; what takes place there is known when output_finish() returns.
//
// The dream comes last: where there is a dream.png, .tif or .jpg, everything else is there as well.
#pragma once

#include "common/config/config.h"
#include "common/system/work_queue.h"
#include "coordinator/output/explain_file.h"
#include "coordinator/output/film.h"
#include "coordinator/results/array_assembly.h"
#include "coordinator/task/checkpoint.h"

struct task;
struct run_file_header;

// Zeroed: nothing has begun. But for `queue`, they are the queue's own while it has work.
struct output {
    bool fresh; // the image's folder was not there before
    struct work_queue *queue;
    struct film *film;                // NULL: none is made
    struct explain_file *explanation; // NULL: none is made
};

// Begins what is written while the image is being worked on: its film, if the configuration wants one, or its explanation. task->image is
// still the original. A film goes on from where the task's checkpoint says. On failure the output is to be abandoned.
enum status output_begin_dream(const struct config *config, const char *folder, struct task *task) MUST_CHECK;
enum status output_begin_nothing(struct task *task) MUST_CHECK; // of a picture that is only looked at
enum status output_begin_explanation(const struct run_file_header *header, const char *folder, struct task *task) MUST_CHECK;

// Each takes what the frame, the array or the checkpoint owns, in any case.
enum status output_frame(struct output *output, struct film_frame *frame) MUST_CHECK;
enum status output_array(struct output *output, struct array *array) MUST_CHECK;
// What cannot be written is a warning: the last one stays.
enum status output_checkpoint(struct output *output, const char *path, struct checkpoint *checkpoint) MUST_CHECK;

// The image is done, or was stopped: its pixels, if there are any, are in task->image. A dream that was stopped is called dream.partial.*,
// so that nobody takes it for a finished one, and frames stay for it to go on. Names the picture in the task's record. Does not wait.
enum status output_end(const struct config *config, const char *folder, struct task *task) MUST_CHECK;

// Waits until all is written. What went wrong with any of it is returned here, and nothing is left of it; nor is anything left, without an
// error, of a task that has failed. The time that it took is added to the task's record.
enum status output_finish(const char *folder, struct task *task) MUST_CHECK;

// Leaves what is unfinished, in the middle of whatever it is. A zeroed output is fine.
void output_abandon(struct output *output);
