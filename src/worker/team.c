// SPDX-License-Identifier: MIT
#include "worker/team.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/messages.h"

static enum status make_communicator(struct team *t, MPI_Comm comm, const int32_t *ranks, int count)
{
    MPI_Group all = MPI_GROUP_NULL, members = MPI_GROUP_NULL;
    enum status rc;
    TRY(mpi_check(MPI_Comm_group(comm, &all), "group"));
    TRY(mpi_check(MPI_Group_incl(all, count, ranks, &members), "group of the team"));
    TRY(mpi_check(MPI_Comm_create_group(comm, members, MESSAGE_TEAM, &t->comm), "communicator of the team"));
    TRY(mpi_check(MPI_Comm_set_errhandler(t->comm, MPI_ERRORS_RETURN), "error handler"));
    TRY(mpi_check(MPI_Comm_rank(t->comm, &t->rank), "rank"));
out:
    if (members != MPI_GROUP_NULL)
        MPI_Group_free(&members);
    if (all != MPI_GROUP_NULL)
        MPI_Group_free(&all);
    return rc;
}

enum status team_create(struct team **team, MPI_Comm comm, const int32_t *ranks, int count, struct timing *timing)
{
    enum status rc = STATUS_OK;
    struct team *t = *team = calloc(1, sizeof *t);
    if (!t)
        return fail(STATUS_LIMIT, "no memory for a team");
    *t = (struct team){.comm = MPI_COMM_NULL, .size = count, .timing = timing};
    t->counts = malloc((size_t)count * sizeof *t->counts);
    t->offsets = malloc((size_t)count * sizeof *t->offsets);
    if (!t->counts || !t->offsets)
        rc = fail(STATUS_LIMIT, "no memory for a team of %d ranks", count);
    else if (count > 1)
        rc = make_communicator(t, comm, ranks, count);
    return rc;
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
    MPI_Request request;
    char message[STATUS_MESSAGE_MAX] = "";
    int first = mine == STATUS_OK ? team->size : team->rank, status = (int)mine;
    enum status rc;
    if (team->size == 1)
        return mine;
    if (mine != STATUS_OK)
        snprintf(message, sizeof message, "%s", status_message());
    TRY(mpi_check(MPI_Iallreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, team->comm, &request), "agreement of the team"));
    TRY(mpi_wait(&request));
    if (first == team->size)
        return STATUS_OK;
    TRY(mpi_check(MPI_Ibcast(&status, 1, MPI_INT, first, team->comm, &request), "agreement of the team"));
    TRY(mpi_wait(&request));
    TRY(mpi_check(MPI_Ibcast(message, sizeof message, MPI_CHAR, first, team->comm, &request), "agreement of the team"));
    TRY(mpi_wait(&request));
    rc = fail((enum status)status, "%s", message);
out:
    return rc;
}

// Everybody's items in order, into *all, which the caller frees; *total of them.
static enum status gather(struct team *team, const double *items, int count, int width, double **all, int *total)
{
    MPI_Request request;
    enum status rc;
    *total = 0;
    for (int m = 0; m < team->size; m++) {
        team->offsets[m] = *total * width;
        *total += team->counts[m];
        team->counts[m] *= width;
    }
    *all = malloc((size_t)(*total * width + 1) * sizeof **all);
    if (!*all)
        return fail(STATUS_LIMIT, "no memory for the sums of a team");
    TRY(mpi_check(MPI_Iallgatherv(items, count * width, MPI_DOUBLE, *all, team->counts, team->offsets, MPI_DOUBLE, team->comm, &request),
                  "sum over the team"));
    rc = mpi_wait(&request);
out:
    return rc;
}

static void add_up(const double *items, int count, int width, double *sums)
{
    memset(sums, 0, (size_t)width * sizeof *sums);
    for (int i = 0; i < count; i++)
        for (int k = 0; k < width; k++)
            sums[k] += items[(size_t)i * (size_t)width + (size_t)k];
}

enum status team_sum(struct team *team, const double *items, int count, int width, double *sums, bool *flag)
{
    MPI_Request request;
    const double start = now();
    const int mine = 2 * count + *flag;
    double *all = NULL;
    int total = 0;
    enum status rc = STATUS_OK;
    if (team->size == 1) {
        add_up(items, count, width, sums);
        goto out;
    }
    TRY(mpi_check(MPI_Iallgather(&mine, 1, MPI_INT, team->counts, 1, MPI_INT, team->comm, &request), "sum over the team"));
    TRY(mpi_wait(&request));
    for (int m = 0; m < team->size; m++) {
        *flag = *flag || team->counts[m] % 2;
        team->counts[m] /= 2;
    }
    TRY(gather(team, items, count, width, &all, &total));
    add_up(all, total, width, sums);
out:
    free(all);
    timing_add(team->timing, PHASE_REDUCE, start, (int64_t)total * width * (int64_t)sizeof *all);
    return rc;
}
