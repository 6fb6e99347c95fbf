// SPDX-License-Identifier: MIT
// How this process was started, before and after MPI_Init.
#pragma once

#include <mpi.h>
#include <stdbool.h>

#include "common/system/status.h"

// Whether this is rank 0 as far as the launcher's environment tells. True without a launcher. Needs no MPI_Init.
bool launch_is_first(void);

// Ranks of the job, and of them on this node, as far as the launcher's environment tells; 1 without one. Needs no MPI_Init.
void launch_announced(int *ranks, int *node_ranks);

// Processes that the launcher has started, this one among them; 1 without one. Unlike those of a job, which the shell of a batch script may
// have for itself. Before MPI_Init, which adds to the environment.
int launch_started(void);

struct launch {
    MPI_Comm comm; // a duplicate of the world that returns its errors
    int rank, size;
    int threaded; // MPI lets several threads in, on every rank
    bool agreed;  // launch_agree() failed, on every rank alike: MPI can be ended
};

// MPI_Init and what must hold after it. STATUS_USAGE where the launcher started many processes that do not know each other.
enum status launch_start(struct launch *launch) MUST_CHECK;

// Collective: agreement() of all ranks that what each has just done went well.
enum status launch_agree(struct launch *launch, enum status mine) MUST_CHECK;

// Collective: the text of one rank, which may be NULL, to the others, malloc'ed.
enum status launch_share_text(struct launch *launch, int from, char **text) MUST_CHECK;

// Collective: rank 0 warns of what the first rank with a text says, and of how many others have one. NULL or empty: nothing to say.
enum status launch_warn(const struct launch *launch, const char *mine) MUST_CHECK;

// Waits for all ranks without spinning and ends MPI. Collective.
enum status launch_end(struct launch *launch) MUST_CHECK;

// A fatal error of one rank: its message first, then the end of all ranks. Does not return.
_Noreturn void launch_abort(const struct launch *launch, int exit_code);
