// SPDX-License-Identifier: MIT
#include "common/messages.h"

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

// Nanoseconds: a short wait stays short, a long one costs about a hundredth of a core. Pixels may need a test for every 100 KB of
// them to move at all.
enum { FIRST = 20000, LONGEST = 5000000, LONGEST_FOR_PIXELS = 50000 };

static void pause_up_to(unsigned *idle, long longest)
{
    const unsigned doublings = *idle < 8 ? *idle : 8;
    const long nanoseconds = (long)FIRST << doublings < longest ? (long)FIRST << doublings : longest;
    nanosleep(&(struct timespec){.tv_nsec = nanoseconds}, NULL);
    ++*idle;
}

void mpi_idle(unsigned *idle)
{
    pause_up_to(idle, LONGEST);
}

static enum status wait_for(MPI_Request *request, long longest)
{
    unsigned idle = 0;
    for (;;) {
        int done = 0;
        enum status rc = mpi_check(MPI_Test(request, &done, MPI_STATUS_IGNORE), "test");
        if (rc != STATUS_OK || done)
            return rc;
        pause_up_to(&idle, longest);
    }
}

enum status mpi_wait(MPI_Request *request)
{
    return wait_for(request, LONGEST);
}

enum status mpi_probe(MPI_Comm comm, int source, int tag, bool *there, MPI_Status *status)
{
    int found = 0;
    enum status rc = mpi_check(MPI_Iprobe(source, tag, comm, &found, status), "probe");
    *there = found != 0;
    return rc;
}

static long longest_for(MPI_Datatype type)
{
    return type == MPI_FLOAT ? LONGEST_FOR_PIXELS : LONGEST;
}

static enum status send(const void *data, size_t count, MPI_Datatype type, int to, int tag, MPI_Comm comm)
{
    MPI_Request request;
    if (count > INT_MAX)
        return fail(STATUS_LIMIT, "a message of %zu items is more than MPI takes at once", count);
    enum status rc = mpi_check(MPI_Isend(data, (int)count, type, to, tag, comm, &request), "send");
    return rc == STATUS_OK ? wait_for(&request, longest_for(type)) : rc;
}

static enum status receive(void *data, size_t count, MPI_Datatype type, int from, int tag, MPI_Comm comm)
{
    MPI_Request request;
    unsigned idle = 0;
    enum status rc;
    if (count > INT_MAX)
        return fail(STATUS_LIMIT, "a message of %zu items is more than MPI takes at once", count);
    TRY(mpi_check(MPI_Irecv(data, (int)count, type, from, tag, comm, &request), "receive"));
    for (;;) {
        int done = 0, received = 0;
        MPI_Status status;
        TRY(mpi_check(MPI_Test(&request, &done, &status), "receive"));
        if (done) {
            TRY(mpi_check(MPI_Get_count(&status, type, &received), "receive"));
            if ((size_t)received != count)
                rc = fail(STATUS_INTERNAL, "a message with tag %d has %d items where %zu belong", tag, received, count);
            goto out;
        }
        pause_up_to(&idle, longest_for(type));
    }
out:
    return rc;
}

enum status mpi_send(const void *bytes, size_t size, int to, int tag, MPI_Comm comm)
{
    return send(bytes, size, MPI_BYTE, to, tag, comm);
}

enum status mpi_receive(void *bytes, size_t size, int from, int tag, MPI_Comm comm)
{
    return receive(bytes, size, MPI_BYTE, from, tag, comm);
}

enum status mpi_send_floats(const float *values, size_t count, int to, int tag, MPI_Comm comm)
{
    return send(values, count, MPI_FLOAT, to, tag, comm);
}

enum status mpi_receive_floats(float *values, size_t count, int from, int tag, MPI_Comm comm)
{
    return receive(values, count, MPI_FLOAT, from, tag, comm);
}
