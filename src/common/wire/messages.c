// SPDX-License-Identifier: MIT
#include "common/wire/messages.h"

#include <limits.h>
#include <time.h>

enum status mpi_check(int code, const char *what)
{
    if (code == MPI_SUCCESS)
        return STATUS_OK;
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    MPI_Error_string(code, text, &length);
    return fail(STATUS_INTERNAL, "MPI: %s: %.*s", what, length, text);
}

enum status mpi_errors_return(void)
{
    TRY(mpi_check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "error handler"));
    return mpi_check(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN), "error handler");
}

// Nanoseconds.
enum { FIRST = 20000, LONGEST = 5000000, LONGEST_WHILE_MOVING = 50000 };

static void sleep_for(long nanoseconds, long longest)
{
    nanosleep(&(struct timespec){.tv_nsec = nanoseconds < longest ? nanoseconds : longest}, NULL);
}

void mpi_idle(unsigned *idle)
{
    const unsigned doublings = *idle < 8 ? *idle : 8;
    sleep_for((long)FIRST << doublings, LONGEST);
    ++*idle;
}

// Each sleep is a small part of the wait so far, so that what was waited for is noticed soon, and a long wait costs next to nothing.
static void pause_in_wait(unsigned *tests, long longest)
{
    sleep_for(FIRST * (1 + (long)(*tests / 16)), longest);
    ++*tests;
}

void mpi_pause_moving(unsigned *idle)
{
    pause_in_wait(idle, LONGEST_WHILE_MOVING);
}

static enum status wait_for(MPI_Request *request, MPI_Status *status, long longest)
{
    unsigned tests = 0;
    for (;;) {
        int done = 0;
        TRY(mpi_check(MPI_Test(request, &done, status), "test"));
        if (done)
            return STATUS_OK;
        pause_in_wait(&tests, longest);
    }
}

enum status mpi_wait(MPI_Request *request)
{
    return wait_for(request, MPI_STATUS_IGNORE, LONGEST);
}

enum status mpi_wait_moving(MPI_Request *request)
{
    return wait_for(request, MPI_STATUS_IGNORE, LONGEST_WHILE_MOVING);
}

enum status mpi_probe(MPI_Comm comm, int source, int tag, bool *there, MPI_Status *status)
{
    int found = 0;
    enum status rc = mpi_check(MPI_Iprobe(source, tag, comm, &found, status), "probe");
    *there = found != 0;
    return rc;
}

static enum status send(const void *data, int count, MPI_Datatype type, long longest, int to, int tag, MPI_Comm comm)
{
    MPI_Request request;
    TRY(mpi_check(MPI_Isend(data, count, type, to, tag, comm, &request), "send"));
    return wait_for(&request, MPI_STATUS_IGNORE, longest);
}

static enum status receive(void *data, int count, MPI_Datatype type, long longest, int from, int tag, MPI_Comm comm)
{
    MPI_Request request;
    MPI_Status status;
    int received = 0;
    TRY(mpi_check(MPI_Irecv(data, count, type, from, tag, comm, &request), "receive"));
    TRY(wait_for(&request, &status, longest));
    TRY(mpi_check(MPI_Get_count(&status, type, &received), "receive"));
    if (received != count)
        return fail(STATUS_INTERNAL, "a message with tag %d is shorter than the %d items that belong there", tag, count);
    return STATUS_OK;
}

enum status mpi_send(const void *bytes, size_t size, int to, int tag, MPI_Comm comm)
{
    if (size > INT_MAX)
        return fail(STATUS_LIMIT, "a message of %zu bytes is more than MPI takes at once", size);
    return send(bytes, (int)size, MPI_BYTE, LONGEST, to, tag, comm);
}

enum status mpi_receive_some(void *bytes, size_t room, size_t *size, int from, int tag, MPI_Comm comm)
{
    MPI_Request request;
    MPI_Status status;
    int count = 0;
    *size = 0;
    TRY(mpi_check(MPI_Irecv(bytes, (int)room, MPI_BYTE, from, tag, comm, &request), "receive"));
    TRY(wait_for(&request, &status, LONGEST));
    TRY(mpi_check(MPI_Get_count(&status, MPI_BYTE, &count), "count"));
    *size = (size_t)count;
    return STATUS_OK;
}

enum status mpi_receive(void *bytes, size_t size, int from, int tag, MPI_Comm comm)
{
    if (size > INT_MAX)
        return fail(STATUS_LIMIT, "a message of %zu bytes is more than MPI takes at once", size);
    return receive(bytes, (int)size, MPI_BYTE, LONGEST, from, tag, comm);
}

enum status mpi_receive_values(float *values, size_t count, int from, int tag, MPI_Comm comm)
{
    if (count > INT_MAX)
        return fail(STATUS_LIMIT, "a message of %zu values is more than MPI takes at once", count);
    return receive(values, (int)count, MPI_FLOAT, LONGEST_WHILE_MOVING, from, tag, comm);
}

// Three runs of values with gaps between them, as one type.
static enum status rows_type(size_t count, size_t stride, MPI_Datatype *type)
{
    if (count > INT_MAX)
        return fail(STATUS_LIMIT, "rows of %zu values are more than MPI takes at once", count);
    TRY(mpi_check(MPI_Type_create_hvector(3, (int)count, (MPI_Aint)(stride * sizeof(float)), MPI_FLOAT, type), "type of rows"));
    return mpi_check(MPI_Type_commit(type), "type of rows");
}

enum status mpi_send_rows(const float *values, size_t count, size_t stride, int to, int tag, MPI_Comm comm)
{
    MPI_Datatype type;
    if (count == 0)
        return STATUS_OK;
    TRY(rows_type(count, stride, &type));
    const enum status rc = send(values, 1, type, LONGEST_WHILE_MOVING, to, tag, comm);
    MPI_Type_free(&type);
    return rc;
}

enum status mpi_receive_rows(float *values, size_t count, size_t stride, int from, int tag, MPI_Comm comm)
{
    MPI_Datatype type;
    if (count == 0)
        return STATUS_OK;
    TRY(rows_type(count, stride, &type));
    const enum status rc = receive(values, 1, type, LONGEST_WHILE_MOVING, from, tag, comm);
    MPI_Type_free(&type);
    return rc;
}
