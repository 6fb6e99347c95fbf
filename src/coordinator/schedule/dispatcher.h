// SPDX-License-Identifier: MIT
// From images that are loaded to dreams that are written: gives each to a team of workers as they become free, collects what comes back,
// and has its outputs written.
#pragma once

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/system/status.h"
#include "common/wire/lead.h"
#include "common/wire/timing.h"
#include "coordinator/progress/progress.h"
#include "coordinator/schedule/schedule.h"
#include "coordinator/task/checkpoint_folder.h"
#include "coordinator/task/task.h"
#include "runfile/run_file.h"

// What all parts of a coordinator know of the run. Borrowed: it outlives them.
struct run_setup {
    enum config_use use; // the command
    double (*work)(const struct config *config, enum job_kind job, int width,
                   int height); // of an image, in pixels through the network, for the progress
    const struct schedule *schedule;
    const struct config *config;
    const char *output; // folder, exists
    int64_t channels;   // of an atlas: so many of the inputs are its channels
    struct run_file_header header;
};

struct dispatcher_options {
    MPI_Comm comm;    // MPI_COMM_NULL: the one worker is led by calls, dispatcher_lead()
    int first_worker; // rank of comm
    const struct run_setup *setup;
    struct checkpoint_folder *checkpoints;
    struct run_file *run_file; // gets rows of steps and maps as they come; NULL: they are only in each task's results
    struct progress *progress;
    struct timing *timing;
    // An image has come to its end: done and written, failed, or stopped. The task is the receiver's.
    enum status (*ended)(void *context, struct task *task);
    void *context;
};

struct dispatcher;

enum status dispatcher_create(struct dispatcher **dispatcher, const struct dispatcher_options *options) MUST_CHECK;
void dispatcher_destroy(struct dispatcher **dispatcher); // and the tasks in hand; NULL is fine

// An image that is loaded, or has failed to be, which goes to its end at once. One that `is_done` already is only looked at, if it may be a
// baseline of others.
enum status dispatcher_put(struct dispatcher *dispatcher, struct task *task, bool is_done) MUST_CHECK;

// A frame of a clip, whose work progress knows of already.
enum status dispatcher_put_frame(struct dispatcher *dispatcher, struct task *task) MUST_CHECK;

// Whether another image had better be there soon. While the first ones, the others' baselines, are missing, only `in_order`. `all_taken`:
// none will come.
bool dispatcher_wants_more(const struct dispatcher *dispatcher, bool all_taken, bool *in_order);

// Takes what has come from the workers and gives images to free ones. `coming`: images that will still be put; -1: unknown. Does not wait.
enum status dispatcher_turn(struct dispatcher *dispatcher, int64_t coming, bool *found) MUST_CHECK;

// Each worker ends its step, and no further image is begun.
enum status dispatcher_stop(struct dispatcher *dispatcher) MUST_CHECK;

// Whether a stop was asked for, here or by a signal to some worker.
bool dispatcher_is_stopping(const struct dispatcher *dispatcher);

// How many images are dreamed and being written.
int dispatcher_writing(const struct dispatcher *dispatcher);

// Whether no image is in hand, and whether none waits.
bool dispatcher_is_idle(const struct dispatcher *dispatcher);
bool dispatcher_is_empty(const struct dispatcher *dispatcher);

// A run file keeps the rows that it could not write and tries again: STATUS_IO becomes a warning, the first time.
enum status dispatcher_tolerate(struct dispatcher *dispatcher, enum status rc) MUST_CHECK;

// All that is known of an image's steps and maps, to the run file, if there is one.
enum status dispatcher_write_rows(struct dispatcher *dispatcher, const struct image_rows *rows) MUST_CHECK;

// Tells the workers to leave. Each answers with its timing (MESSAGE_TIMING).
enum status dispatcher_dismiss(struct dispatcher *dispatcher) MUST_CHECK;

// What the one worker of this process has of the dispatcher, until that is destroyed. `turn` is called often, by the worker's thread, to go
// on with whatever else there is to do, dispatcher_turn() among it. `job` is NULL while the worker has an image; otherwise it may be
// filled in, with a kind other than JOB_NONE, if the worker is to do something else.
const struct lead *dispatcher_lead(struct dispatcher *dispatcher, enum status (*turn)(void *context, struct job *job, bool *found),
                                   void *context);
