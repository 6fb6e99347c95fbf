// SPDX-License-Identifier: MIT
// Messages on their way that nobody waits for: each is kept until it has left.
#pragma once

#include <mpi.h>

#include "common/system/status.h"

struct pending_sends {
    struct pending_send *first;
    int count;
};

// Begins to send `count` items of `type`. `data`, malloc'ed, is freed when they have left, at once on failure.
enum status pending_sends_add(struct pending_sends *sends, void *data, int count, MPI_Datatype type, int to, int tag,
                              MPI_Comm comm) MUST_CHECK;

// Keeps what is under way moving, and frees what has left.
enum status pending_sends_progress(struct pending_sends *sends) MUST_CHECK;

// Waits until at most so many are under way.
enum status pending_sends_wait(struct pending_sends *sends, int most) MUST_CHECK;

// Frees what is still under way: after a failure only, when the job ends.
void pending_sends_destroy(struct pending_sends *sends);
