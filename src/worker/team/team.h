// SPDX-License-Identifier: MIT
// The ranks that share one image, for as long as they do.
#pragma once

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/picture/tiling.h"
#include "common/system/status.h"
#include "common/wire/timing.h"

struct team {
    MPI_Comm comm; // of the members; MPI_COMM_NULL where there is only one
    int size, rank;
    struct timing *timing; // of this rank
    bool agreed;           // team_agree() failed, on every member alike
    int *counts, *offsets; // [size] room for team_sum()
};

// Destroy it also after a failure. Collective over the members: `ranks` [count] of `comm`, ascending, this rank among them. `timing`
// outlives the team.
enum status team_create(struct team **team, MPI_Comm comm, const int32_t *ranks, int count, struct timing *timing) MUST_CHECK;
void team_destroy(struct team **team); // collective

// Collective: STATUS_OK if every member says so; otherwise every member returns the first failing one's status and message.
enum status team_agree(struct team *team, enum status mine) MUST_CHECK;

// Collective: sums[k] = sum over `count` items of item[k], in their order: it does not depend on how many members there are. They have
// shares of the items (tiling_share): `items` are this member's, (its share, width). The first member adds, the others hear the result.
// *flag: whether any member set it; NULL: none does.
enum status team_sum(struct team *team, const double *items, int count, int width, double *sums, bool *flag) MUST_CHECK;

// Collective: items (count, width), of which every member has filled its share, are all there on every member afterwards.
enum status team_exchange(struct team *team, float *items, int count, int width) MUST_CHECK;
