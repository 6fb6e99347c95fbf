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

// Collective: sums[k] = sum over all members' items of item[k], in order of members and items: the order does not depend on how many
// members there are, if items are shared out in order. `shares` [size]: the numbers of each member's items; `items` are this member's, (its
// share, width). The first member adds, the others hear the result. *flag: whether any member set it.
enum status team_sum(struct team *team, const double *items, const struct span *shares, int width, double *sums, bool *flag) MUST_CHECK;

// Collective: every member's values, one member's behind the other's, to all. counts [size]: values of each.
enum status team_collect(struct team *team, const float *mine, const int *counts, float *all) MUST_CHECK;
