// SPDX-License-Identifier: MIT
// What the tests of teams share: the ranks, every kind of team that they can form, and failures that leave nobody waiting.
#pragma once

#include <limits.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/messages.h"
#include "unit.h"
#include "worker/team/slab.h"
#include "worker/team/team.h"

static struct {
    MPI_Comm comm;
    int size, rank;
    struct timing timing;
} ranks;

// For calls that others take part in: after a failure they would wait in vain, so it ends the program.
#define TOGETHER(call)                                                                                                                     \
    do {                                                                                                                                   \
        if (!unit_ok((call), #call, __FILE__, __LINE__)) {                                                                                 \
            fflush(stdout);                                                                                                                \
            MPI_Abort(ranks.comm, 1);                                                                                                      \
        }                                                                                                                                  \
    } while (0)

// The ranks split into two teams: the first split + 1 ranks and the others, or, for the last split, every second rank and the others.
static inline bool ranks_in_first(int rank, int split)
{
    return split < ranks.size ? rank <= split : rank % 2 == 0;
}

// Calls run() on teams of every size, in which each rank plays its part; two teams at a time, and a new pair as soon as one is through.
static inline void ranks_each_team(void (*run)(struct team *team))
{
    int32_t *members = calloc((size_t)ranks.size, sizeof *members);
    CU_ASSERT_PTR_NOT_NULL_FATAL(members);
    for (int split = 0; split <= ranks.size; split++) {
        struct team *team;
        int count = 0;
        for (int r = 0; r < ranks.size; r++)
            if (ranks_in_first(r, split) == ranks_in_first(ranks.rank, split))
                members[count++] = r;
        TOGETHER(team_create(&team, ranks.comm, members, count, &ranks.timing));
        CU_ASSERT(team->size == count && members[team->rank] == ranks.rank);
        run(team);
        team_destroy(&team);
        CU_ASSERT_PTR_NULL(team);
    }
    free(members);
}

// Rank 0's bytes, everywhere. Ranks that wait sleep.
static inline void ranks_share(void *bytes, size_t size)
{
    MPI_Request request;
    CU_ASSERT_FATAL(size <= INT_MAX);
    TOGETHER(mpi_check(MPI_Ibcast(bytes, (int)size, MPI_BYTE, 0, ranks.comm, &request), "broadcast"));
    TOGETHER(mpi_wait(&request));
}

// This member's rows of (3, height, width).
static inline void ranks_cut_out(struct slab *slab, const struct team *team, const float *whole, int width, int height)
{
    UNIT_OK(slab_create(slab, width, height, tiling_rows(height, team->size, team->rank)));
    for (int c = 0; c < 3; c++)
        for (int y = slab->rows.begin; y < slab->rows.end; y++)
            memcpy(slab_row(slab, c, y), whole + (size_t)(c * height + y) * (size_t)width, (size_t)width * sizeof(float));
}

// How many of the slab's rows differ in any bit from those of (3, height, width).
static inline int ranks_unlike(const struct slab *slab, const float *whole)
{
    int wrong = 0;
    for (int c = 0; c < 3; c++)
        for (int y = slab->rows.begin; y < slab->rows.end; y++)
            wrong += memcmp(slab_row(slab, c, y), whole + (size_t)(c * slab->height + y) * (size_t)slab->width,
                            (size_t)slab->width * sizeof(float)) != 0;
    return wrong;
}

// The largest |difference| of the slab's rows from those of (3, height, width).
static inline double ranks_difference(const struct slab *slab, const float *whole)
{
    double most = 0;
    for (int c = 0; c < 3; c++)
        for (int y = slab->rows.begin; y < slab->rows.end; y++)
            for (int x = 0; x < slab->width; x++)
                most = fmax(most, fabs((double)slab_row(slab, c, y)[x] -
                                       whole[((size_t)c * (size_t)slab->height + (size_t)y) * (size_t)slab->width + (size_t)x]));
    return most;
}

static inline int ranks_run(int *argc, char ***argv, const char *suite, const struct unit_test *tests, size_t count)
{
    int failed = 1;
    if (MPI_Init(argc, argv) == MPI_SUCCESS && mpi_errors_return() == STATUS_OK &&
        MPI_Comm_dup(MPI_COMM_WORLD, &ranks.comm) == MPI_SUCCESS && MPI_Comm_rank(ranks.comm, &ranks.rank) == MPI_SUCCESS &&
        MPI_Comm_size(ranks.comm, &ranks.size) == MPI_SUCCESS)
        failed = unit_run(suite, tests, count);
    MPI_Finalize();
    return failed;
}

#define RANKS_MAIN(suite, tests)                                                                                                           \
    int main(int argc, char **argv)                                                                                                        \
    {                                                                                                                                      \
        return ranks_run(&argc, &argv, suite, tests, sizeof tests / sizeof tests[0]);                                                      \
    }
