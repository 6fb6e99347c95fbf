// SPDX-License-Identifier: MIT
// How a run starts, on all ranks together, stage by stage. What can fail on one rank alone is agreed on before any waits for the others.
#pragma once

#include "common/wire/watchdog.h"
#include "job/job.h"
#include "job/launch.h"
#include "job/preparation.h"
#include "job/resources.h"
#include "job/shared_weights.h"
#include "job/tile_rules.h"
#include "kernels/convolution/plan.h"
#include "weights/channel_statistics.h"

// What every rank knows when work starts.
struct run {
    struct launch launch;
    struct watchdog *watchdog;
    struct job_options *options;               // each rank's own; rank 0's configuration replaces the others'
    struct shared_weights weights, randomised; // the latter: of an untrained network, or zeroed
    char (*hosts)[MPI_MAX_PROCESSOR_NAME];     // rank 0: [size]
    const char **host_names;                   // rank 0: [size] each of them
    int *cores, *node_cores;                   // rank 0: [size] those that each rank, and the ranks of its node together, are bound to
    int node_ranks;                            // on this node
    struct cores place;                        // what this rank may compute on
    int threads;                               // OpenMP threads of a worker
    uint64_t memory_limit;                     // of the rank that may use least
    struct tile_plan tiles;                    // the same on every rank
    bool mixed, other;                         // processors of ranks that compute differ; this rank's from the planner's
    struct plan_origin planner;                // whose processor that is
    struct plan plan;                          // the same on every rank
    char *plan_text;
    float *statistics;                      // of channels over ordinary pictures, on every rank; NULL: nothing needs them
    struct statistics_info statistics_info; // zeroed likewise
    struct image guide;                     // of the objective, on every rank; empty if it needs none
    struct mask mask;                       // of dreams, likewise
    struct preparation prepared;            // rank 0's; of the others only what is known to all
};

// Collective, behind launch_start(). A failure is one of all ranks where launch.agreed says so, otherwise of this rank alone. If
// prepared.known.nothing_left, only that is known.
enum status start_run(struct run *run) MUST_CHECK;

// What start_run() finds out and refuses, in its order, by one process for as many ranks as its launcher announces (launch.size), without
// MPI and without making anything. Of the rest of *run, what a forecast needs is known: options, tiles, memory_limit, prepared.
enum status start_dry(struct run *run) MUST_CHECK;

// Frees all but the launch, the watchdog and the weights.
void start_destroy(struct run *run);
