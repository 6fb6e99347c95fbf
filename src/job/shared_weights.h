// SPDX-License-Identifier: MIT
// The weights of a run: read from the file once, by the coordinator, and held once a node, in memory that its ranks share, or
// by each rank where they cannot.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "job/launch.h"
#include "weights/weights.h"

struct shared_weights {
    float *array;             // as weights.h lays it out; only to be read
    struct weights_info info; // the same on every rank
    MPI_Comm node;            // ranks that share memory
    MPI_Comm leaders;         // the first rank of each node; MPI_COMM_NULL on the others
    size_t bytes;             // of the array
    bool mapped, shared;      // in memory that all ranks of the node have; otherwise malloc'ed
};

// Collective. `path` matters on rank 0 only.
enum status shared_weights_create(struct shared_weights *shared, struct launch *launch, const char *path) MUST_CHECK;

// Collective. Those of an untrained network (parameters_randomise), but for the classifier of `trained`.
enum status shared_weights_randomise(struct shared_weights *shared, struct launch *launch, const struct shared_weights *trained,
                                     uint64_t seed) MUST_CHECK;
void shared_weights_destroy(struct shared_weights *shared); // collective, after one of these alone; a zeroed one is fine
