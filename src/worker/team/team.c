// SPDX-License-Identifier: MIT
#include "worker/team/team.h"

#include <stdlib.h>
#include <string.h>

#include "common/system/clock.h"
#include "common/wire/agreement.h"
#include "common/wire/messages.h"

static enum status make_communicator(struct team *t, MPI_Comm comm, const int32_t *ranks, int count)
{
    MPI_Group all = MPI_GROUP_NULL, members = MPI_GROUP_NULL;
    enum status rc;
    TRY_OUT(mpi_check(MPI_Comm_group(comm, &all), "group"));
    TRY_OUT(mpi_check(MPI_Group_incl(all, count, ranks, &members), "group of the team"));
    TRY_OUT(mpi_check(MPI_Comm_create_group(comm, members, MESSAGE_TEAM, &t->comm), "communicator of the team"));
    TRY_OUT(mpi_check(MPI_Comm_set_errhandler(t->comm, MPI_ERRORS_RETURN), "error handler"));
    TRY_OUT(mpi_check(MPI_Comm_rank(t->comm, &t->rank), "rank"));
out:
    if (members != MPI_GROUP_NULL)
        MPI_Group_free(&members);
    if (all != MPI_GROUP_NULL)
        MPI_Group_free(&all);
    return rc;
}

enum status team_create(struct team **team, MPI_Comm comm, const int32_t *ranks, int count, struct timing *timing)
{
    TRY(ALLOCATE(*team, 1, "for a team"));
    struct team *t = *team;
    *t = (struct team){.comm = MPI_COMM_NULL, .size = count, .timing = timing};
    TRY(ALLOCATE(t->counts, count, "for a team of %d ranks", count));
    TRY(ALLOCATE(t->offsets, count, "for a team of %d ranks", count));
    return count > 1 ? make_communicator(t, comm, ranks, count) : STATUS_OK;
}

void team_destroy(struct team **team)
{
    struct team *t = *team;
    if (!t)
        return;
    if (t->comm != MPI_COMM_NULL)
        MPI_Comm_free(&t->comm);
    free(t->counts);
    free(t->offsets);
    free(t);
    *team = NULL;
}

enum status team_agree(struct team *team, enum status mine)
{
    team->agreed = mine != STATUS_OK;
    return team->size == 1 ? mine : agreement(team->comm, mine, &team->agreed);
}

// sums (width) and then the flag: each member sends its items and, behind them, its flag.
static void add_up(const double *all, int count, int members, int width, double *sums)
{
    memset(sums, 0, (size_t)(width + 1) * sizeof *sums);
    for (int m = 0; m < members; m++) {
        const struct span share = tiling_share(count, members, m);
        for (int i = share.begin; i < share.end; i++)
            for (int k = 0; k < width; k++)
                sums[k] += *all++;
        sums[width] += *all++;
    }
}

// Where each member's share of items lies, of `width` values each, with `more` behind each share. Returns how many values there are.
static int lay_out(struct team *team, int count, int width, int more)
{
    int total = 0;
    for (int m = 0; m < team->size; m++) {
        const struct span share = tiling_share(count, team->size, m);
        team->offsets[m] = total;
        team->counts[m] = (share.end - share.begin) * width + more;
        total += team->counts[m];
    }
    return total;
}

// Everybody's items to the first member, and the sums back. `mine`: this member's items and flag.
static enum status gather_and_tell(struct team *team, const double *mine, int count, int width, double *sums)
{
    MPI_Request request;
    double *all = NULL;
    const int total = lay_out(team, count, width, 1);
    enum status rc = STATUS_OK;
    if (team->rank == 0)
        TRY(ALLOCATE(all, total, "for the sums of a team"));
    TRY_OUT(mpi_check(
        MPI_Igatherv(mine, team->counts[team->rank], MPI_DOUBLE, all, team->counts, team->offsets, MPI_DOUBLE, 0, team->comm, &request),
        "sum over the team"));
    TRY_OUT(mpi_wait(&request));
    if (team->rank == 0)
        add_up(all, count, team->size, width, sums);
    TRY_OUT(mpi_check(MPI_Ibcast(sums, width + 1, MPI_DOUBLE, 0, team->comm, &request), "sum over the team"));
    rc = mpi_wait(&request);
out:
    free(all);
    return rc;
}

enum status team_sum(struct team *team, const double *items, int count, int width, double *sums, bool *flag)
{
    const double start = now();
    const struct span share = tiling_share(count, team->size, team->rank);
    const size_t values = (size_t)(share.end - share.begin) * (size_t)width;
    double *mine = NULL, *result = NULL;
    enum status rc;
    TRY_OUT(ALLOCATE(mine, values + 1, "for the sums of a team"));
    TRY_OUT(ALLOCATE(result, width + 1, "for the sums of a team"));
    if (values > 0)
        memcpy(mine, items, values * sizeof *mine);
    mine[values] = flag && *flag;
    if (team->size > 1)
        TRY_OUT(gather_and_tell(team, mine, count, width, result));
    else
        add_up(mine, count, 1, width, result);
    memcpy(sums, result, (size_t)width * sizeof *sums);
    if (flag)
        *flag = result[width] > 0;
out:
    free(mine);
    free(result);
    timing_add(team->timing, PHASE_REDUCE, start, team->size > 1 ? (int64_t)((values + (size_t)width + 2) * sizeof *mine) : 0);
    return rc;
}

enum status team_exchange(struct team *team, float *items, int count, int width)
{
    const double start = now();
    const int total = lay_out(team, count, width, 0);
    MPI_Request request;
    if (team->size == 1)
        return STATUS_OK;
    TRY(mpi_check(MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_FLOAT, items, team->counts, team->offsets, MPI_FLOAT, team->comm, &request),
                  "values of the team"));
    TRY(mpi_wait_moving(&request));
    timing_add(team->timing, PHASE_REDUCE, start, total * (int64_t)sizeof *items);
    return STATUS_OK;
}
