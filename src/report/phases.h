// SPDX-License-Identifier: MIT
// Where the ranks' time went: for each phase the least, the mean and the most over the ranks that might have been in it. The numbers are
// those that a run prints at its end (timing.h).
#pragma once

#include <stdbool.h>

#include "common/wire/timing.h"
#include "runfile/run_reader.h"

// Who: the workers; and rank 0, which coordinates. Without mpirun one process is both, with a thread for each: the phases tell them apart.
enum phase_group { GROUP_WORKERS, GROUP_COORDINATOR, PHASE_GROUPS };

struct phase_row {
    enum phase phase;
    bool beside;              // done by threads beside the rank
    double least, mean, most; // seconds; a rank that never was in it has 0
    double imbalance;         // how much longer than the mean the slowest rank took, as a part of it
    double share;             // of the run's time
    int64_t bytes;            // over all ranks of the group
};

struct phases {
    struct {
        int ranks;
        size_t count;
        struct phase_row rows[PHASE_COUNT]; // those that took time, in the order of enum phase
        double other;                       // seconds a rank that are in no phase; 0 where phases overlap, and without rows
    } groups[PHASE_GROUPS];
};

// From the rows of /timing, `ranks` ranks of which `workers` dream, of a run of `elapsed` seconds.
enum status phases_make(const struct timing_row *rows, size_t count, int ranks, int workers, double elapsed,
                        struct phases *phases) MUST_CHECK;

// STATUS_FORMAT: the table cannot be read. No rows, as in a run that was killed, are fine.
enum status phases_read(struct run_reader *reader, struct phases *phases) MUST_CHECK;
