// SPDX-License-Identifier: MIT
// Finds out when a rank does not answer any more: its process is stopped, its machine or the network is gone, and MPI would wait for ever.
//
// Each rank has a thread that says now and then that it is there. Rank 0 listens to all, rank 1 to rank 0. That a rank is busy, however
// long, does not matter.
#pragma once

#include <mpi.h>

#include "common/system/status.h"

struct watchdog;

struct watchdog_options {
    MPI_Comm comm;  // of all ranks
    double seconds; // without a word, after which a rank is given up; 0: never
    // In the watchdog's thread, on the rank that has noticed, with a message set. `rank` is the silent one.
    void (*silent)(void *context, int rank);
    void *context;
};

// Collective, with an own communicator. One rank alone needs none: *watchdog is NULL then, and where the limit is 0.
enum status watchdog_start(struct watchdog **watchdog, const struct watchdog_options *options) MUST_CHECK;

// Collective: nobody is given up any more. NULL is fine.
enum status watchdog_stop(struct watchdog **watchdog) MUST_CHECK;
