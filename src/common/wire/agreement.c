// SPDX-License-Identifier: MIT
#include "common/wire/agreement.h"

#include <stdio.h>

#include "common/wire/messages.h"

enum status agreement(MPI_Comm comm, enum status mine, bool *agreed)
{
    struct {
        int status;
        char message[STATUS_MESSAGE_MAX];
    } word = {.status = (int)mine};
    MPI_Request request;
    int rank, size, first;
    *agreed = false;
    if (mine != STATUS_OK)
        snprintf(word.message, sizeof word.message, "%s", status_message());
    TRY(mpi_check(MPI_Comm_rank(comm, &rank), "rank"));
    TRY(mpi_check(MPI_Comm_size(comm, &size), "size"));
    first = mine == STATUS_OK ? size : rank;
    TRY(mpi_check(MPI_Iallreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, comm, &request), "agreement"));
    TRY(mpi_wait(&request));
    if (first == size)
        return STATUS_OK;
    TRY(mpi_check(MPI_Ibcast(&word, sizeof word, MPI_BYTE, first, comm, &request), "agreement"));
    TRY(mpi_wait(&request));
    *agreed = true;
    return fail((enum status)word.status, "%s", word.message);
}
