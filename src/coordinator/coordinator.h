// SPDX-License-Identifier: MIT
// Rank 0: takes inputs in, hands images to teams of workers as they become free, collects dreams, writes everything down.
#pragma once

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/system/folder_lock.h"
#include "common/system/status.h"
#include "coordinator/resume/resume.h"
#include "coordinator/schedule/dispatcher.h"

// The worker of this process, led by calls; zeroed: it has none.
struct coordinator_here {
    enum status (*serve)(void *worker, const struct lead *lead); // until the lead has no further job
    void *worker;
    struct timing *timing; // its own
};

struct coordinator_options {
    MPI_Comm comm;
    int first_worker; // rank of comm
    struct run_setup setup;
    char **inputs; // [input_count], as typed
    int input_count;
    const int *lists;         // [input_count] of intake_lists_read()
    struct folder_lock *lock; // of the output folder
    struct resume *resume;    // NULL: a new run
    bool delegates;           // workers read and write by themselves (delegation.h), and rank 0 what they could not do alone
    struct coordinator_here here;
};

struct coordinator_outcome {
    int64_t done, failed, stopped;
    bool was_stopped; // by a signal: what is left has not been done
    bool rows_lost;   // the run file could not be written to its end
    bool refused;     // nor even be begun: nothing has been done
};

// Serves until all inputs are done and all workers have been told to leave. Images that fail are counted, not an error here.
enum status coordinator_run(const struct coordinator_options *options, struct coordinator_outcome *outcome) MUST_CHECK;

// delegate.c: the small coordinator that a worker has for the pictures that rank 0 leaves to its process. Serves options->here until it is
// told to leave, and adds to its timing what is not the worker's own. The schedule is for one worker.
enum status delegate_run(const struct coordinator_options *options) MUST_CHECK;
