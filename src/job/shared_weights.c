// SPDX-License-Identifier: MIT
#include "job/shared_weights.h"

#include <stdlib.h>

#include "common/wire/messages.h"
#include "kernels/network/parameters.h"

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
        s->array = malloc(count * sizeof(float));
        return s->array ? STATUS_OK : fail(STATUS_LIMIT, "no memory for the weights (%zu MiB)", count * sizeof(float) >> 20);
    }
    TRY(mpi_check(MPI_Win_allocate_shared(node_rank == 0 ? bytes : 0, sizeof(float), MPI_INFO_NULL, s->node, &s->array, &s->window),
                  "shared memory for the weights"));
    TRY(mpi_check(MPI_Win_shared_query(s->window, 0, &bytes, &unit, &s->array), "shared memory for the weights"));
    return STATUS_OK;
}

enum status shared_weights_create(struct shared_weights *s, struct launch *launch, const char *path)
{
    const size_t count = parameters_count(network_inception_v3());
    enum status rc = STATUS_OK;
    *s = (struct shared_weights){.node = MPI_COMM_NULL, .leaders = MPI_COMM_NULL, .window = MPI_WIN_NULL};
    TRY(split(s, launch->comm));
    TRY(launch_agree(launch, allocate(s, count)));
    if (s->window != MPI_WIN_NULL)
        TRY(mpi_check(MPI_Win_fence(0, s->window), "fence"));
    if (launch->rank == COORDINATOR_RANK)
        rc = weights_read(path, network_inception_v3(), s->array, &s->info);
    TRY(launch_agree(launch, rc));
    TRY(mpi_check(MPI_Bcast(&s->info, sizeof s->info, MPI_BYTE, COORDINATOR_RANK, launch->comm), "broadcast"));
    if (s->leaders != MPI_COMM_NULL)
        TRY(mpi_check(MPI_Bcast(s->array, (int)count, MPI_FLOAT, 0, s->leaders), "broadcast of the weights"));
    if (s->window != MPI_WIN_NULL)
        TRY(mpi_check(MPI_Win_fence(0, s->window), "fence"));
    return STATUS_OK;
}

void shared_weights_destroy(struct shared_weights *s)
{
    if (s->window != MPI_WIN_NULL)
        MPI_Win_free(&s->window);
    else
        free(s->array);
    if (s->leaders != MPI_COMM_NULL)
        MPI_Comm_free(&s->leaders);
    if (s->node != MPI_COMM_NULL)
        MPI_Comm_free(&s->node);
}
