// SPDX-License-Identifier: MIT
#include "job/shared_weights.h"
#include "kernels/network/parameters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/messages.h"

struct shared_weights {
    MPI_Comm node;    // ranks that share memory
    MPI_Comm leaders; // the first rank of each node; MPI_COMM_NULL on the others
    MPI_Win window;   // MPI_WIN_NULL where a rank is alone on its node
    float *weights;
    struct weights_info info;
};

// All communicators hand errors back, so that they have a message of their own.
static enum status split(struct shared_weights *s, MPI_Comm comm)
{
    int rank, node_rank;
    TRY(mpi_check(MPI_Comm_rank(comm, &rank), "rank"));
    TRY(mpi_check(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &s->node), "split by node"));
    TRY(mpi_check(MPI_Comm_set_errhandler(s->node, MPI_ERRORS_RETURN), "error handler"));
    TRY(mpi_check(MPI_Comm_rank(s->node, &node_rank), "rank"));
    TRY(mpi_check(MPI_Comm_split(comm, node_rank == 0 ? 0 : MPI_UNDEFINED, rank, &s->leaders), "split of the node leaders"));
    if (s->leaders != MPI_COMM_NULL)
        TRY(mpi_check(MPI_Comm_set_errhandler(s->leaders, MPI_ERRORS_RETURN), "error handler"));
    return STATUS_OK;
}

static enum status allocate(struct shared_weights *s, size_t count)
{
    int size, node_rank, unit;
    MPI_Aint bytes = (MPI_Aint)(count * sizeof(float));
    TRY(mpi_check(MPI_Comm_size(s->node, &size), "size"));
    TRY(mpi_check(MPI_Comm_rank(s->node, &node_rank), "rank"));
    if (size == 1) {
        s->weights = malloc(count * sizeof(float));
        if (!s->weights)
            return fail(STATUS_LIMIT, "no memory for the weights (%zu MiB)", count * sizeof(float) >> 20);
    }
    TRY(mpi_check(MPI_Win_allocate_shared(node_rank == 0 ? bytes : 0, sizeof(float), MPI_INFO_NULL, s->node, &s->weights, &s->window),
                  "shared memory for the weights"));
    TRY(mpi_check(MPI_Win_shared_query(s->window, 0, &bytes, &unit, &s->weights), "shared memory for the weights"));
    return STATUS_OK;
}

// What rank 0 found when it read the file.
struct outcome {
    int status;
    char message[STATUS_MESSAGE_MAX];
    struct weights_info info;
};

static enum status read_and_tell(struct shared_weights *s, MPI_Comm comm, const char *path)
{
    int rank;
    struct outcome outcome = {.status = STATUS_OK};
    TRY(mpi_check(MPI_Comm_rank(comm, &rank), "rank"));
    if (rank == 0)
        outcome.status = (int)weights_read(path, network_inception_v3(), s->weights, &outcome.info);
    if (outcome.status != STATUS_OK)
        snprintf(outcome.message, sizeof outcome.message, "%s", status_message());
    TRY(mpi_check(MPI_Bcast(&outcome, sizeof outcome, MPI_BYTE, 0, comm), "broadcast"));
    s->info = outcome.info;
    if (outcome.status != STATUS_OK)
        return fail((enum status)outcome.status, "%s", outcome.message);
    return STATUS_OK;
}

enum status shared_weights_create(struct shared_weights **shared, MPI_Comm comm, const char *path)
{
    const size_t count = parameters_count(network_inception_v3());
    struct shared_weights *s = *shared = calloc(1, sizeof *s);
    if (!s)
        return fail(STATUS_LIMIT, "no memory for the weights");
    s->node = s->leaders = MPI_COMM_NULL;
    s->window = MPI_WIN_NULL;
    TRY(split(s, comm));
    TRY(allocate(s, count));
    if (s->window != MPI_WIN_NULL)
        TRY(mpi_check(MPI_Win_fence(0, s->window), "fence"));
    TRY(read_and_tell(s, comm, path));
    if (s->leaders != MPI_COMM_NULL)
        TRY(mpi_check(MPI_Bcast(s->weights, (int)count, MPI_FLOAT, 0, s->leaders), "broadcast of the weights"));
    if (s->window != MPI_WIN_NULL)
        TRY(mpi_check(MPI_Win_fence(0, s->window), "fence"));
    return STATUS_OK;
}

void shared_weights_destroy(struct shared_weights **shared)
{
    struct shared_weights *s = *shared;
    if (!s)
        return;
    if (s->window != MPI_WIN_NULL)
        MPI_Win_free(&s->window);
    else
        free(s->weights);
    if (s->leaders != MPI_COMM_NULL)
        MPI_Comm_free(&s->leaders);
    if (s->node != MPI_COMM_NULL)
        MPI_Comm_free(&s->node);
    free(s);
    *shared = NULL;
}

const float *shared_weights_array(const struct shared_weights *s)
{
    return s->weights;
}

const struct weights_info *shared_weights_info(const struct shared_weights *s)
{
    return &s->info;
}
