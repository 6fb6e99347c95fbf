// SPDX-License-Identifier: MIT
#include "job/shared_weights.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/huge_pages.h"
#include "common/system/log.h"
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

// Where the first rank of a node has put the memory: a file without a name, which is gone with the last process that has it.
struct place {
    int32_t process, descriptor; // -1: there is none
    uint64_t mark;               // what the memory begins with: another space of process numbers may have such a process, too
};

static enum status allocate_private(struct shared_weights *s)
{
    s->array = huge_pages_alloc(s->bytes);
    return s->array ? STATUS_OK : fail(STATUS_LIMIT, "no memory for the weights (%zu MiB)", s->bytes >> 20);
}

static void map(struct shared_weights *s, int descriptor, int protection)
{
    s->array = mmap(NULL, s->bytes, protection, MAP_SHARED, descriptor, 0);
    s->mapped = s->array != MAP_FAILED;
    s->array = s->mapped ? s->array : NULL;
}

static void unmap(struct shared_weights *s)
{
    if (s->mapped)
        munmap(s->array, s->bytes);
    else
        free(s->array);
    s->mapped = false;
    s->array = NULL;
}

// Of the first rank. Not in /dev/shm, which containers make small. The file stays open until all have mapped it.
static struct place make_place(struct shared_weights *s)
{
    struct place place = {.process = getpid(), .descriptor = memfd_create("oneiros weights", MFD_CLOEXEC)};
    if (place.descriptor >= 0 && ftruncate(place.descriptor, (off_t)s->bytes) == 0 &&
        fallocate(place.descriptor, 0, 0, (off_t)s->bytes) == 0 && getrandom(&place.mark, sizeof place.mark, 0) == sizeof place.mark)
        map(s, place.descriptor, PROT_READ | PROT_WRITE);
    if (s->mapped)
        memcpy(s->array, &place.mark, sizeof place.mark);
    return place;
}

// Of the others.
static void find_place(struct shared_weights *s, const struct place *place)
{
    char path[64];
    struct stat info;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", place->process, place->descriptor);
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return;
    if (fstat(descriptor, &info) == 0 && info.st_size == (off_t)s->bytes)
        map(s, descriptor, PROT_READ);
    close(descriptor);
    if (s->mapped && memcmp(s->array, &place->mark, sizeof place->mark) != 0)
        unmap(s);
}

// One copy a node where its ranks can share memory, else one a rank. *copies: how many ranks have one of their own that need not.
static enum status allocate(struct shared_weights *s, int *copies)
{
    int size, node_rank, all;
    struct place place = {.descriptor = -1};
    TRY(mpi_check(MPI_Comm_size(s->node, &size), "size"));
    TRY(mpi_check(MPI_Comm_rank(s->node, &node_rank), "rank"));
    *copies = 0;
    if (size == 1)
        return allocate_private(s);
    if (node_rank == 0)
        place = make_place(s);
    TRY(mpi_check(MPI_Bcast(&place, sizeof place, MPI_BYTE, 0, s->node), "broadcast"));
    if (node_rank != 0)
        find_place(s, &place);
    const int mine = s->mapped;
    TRY(mpi_check(MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, s->node), "reduce"));
    if (node_rank == 0 && place.descriptor >= 0)
        close(place.descriptor);
    s->shared = all;
    if (all)
        return STATUS_OK;
    unmap(s);
    *copies = node_rank != 0;
    return allocate_private(s);
}

// Room for them, of which nobody knows yet what is in it.
static enum status make_room(struct shared_weights *s, struct launch *launch)
{
    int copies = 0;
    *s = (struct shared_weights){
        .node = MPI_COMM_NULL, .leaders = MPI_COMM_NULL, .bytes = parameters_count(network_inception_v3()) * sizeof(float)};
    TRY(split(s, launch->comm));
    TRY(launch_agree(launch, allocate(s, &copies)));
    TRY(mpi_check(MPI_Allreduce(MPI_IN_PLACE, &copies, 1, MPI_INT, MPI_SUM, launch->comm), "reduce"));
    if (launch->rank == COORDINATOR_RANK && copies > 0)
        log_warning(
            "%d of %d ranks keep%s a copy of the weights of their own (%zu MiB): they cannot share memory with the others of their node",
            copies, launch->size, copies == 1 ? "s" : "", s->bytes >> 20);
    return STATUS_OK;
}

enum status shared_weights_create(struct shared_weights *s, struct launch *launch, const char *path)
{
    const int count = (int)parameters_count(network_inception_v3());
    enum status rc = STATUS_OK;
    TRY(make_room(s, launch));
    if (launch->rank == COORDINATOR_RANK)
        rc = weights_read(path, network_inception_v3(), s->array, &s->info);
    TRY(launch_agree(launch, rc));
    TRY(mpi_check(MPI_Bcast(&s->info, sizeof s->info, MPI_BYTE, COORDINATOR_RANK, launch->comm), "broadcast"));
    if (s->leaders != MPI_COMM_NULL)
        TRY(mpi_check(MPI_Bcast(s->array, count, MPI_FLOAT, 0, s->leaders), "broadcast of the weights"));
    if (s->shared)
        return mpi_check(MPI_Barrier(s->node), "barrier"); // until its first rank has filled it
    return mpi_check(MPI_Bcast(s->array, count, MPI_FLOAT, 0, s->node), "broadcast of the weights");
}

enum status shared_weights_randomise(struct shared_weights *s, struct launch *launch, const struct shared_weights *trained, uint64_t seed)
{
    TRY(make_room(s, launch));
    if (!s->shared || s->leaders != MPI_COMM_NULL) {
        memcpy(s->array, trained->array, s->bytes);
        parameters_randomise(network_inception_v3(), seed, s->array);
    }
    return mpi_check(MPI_Barrier(s->node), "barrier");
}

void shared_weights_destroy(struct shared_weights *s)
{
    if (s->bytes == 0)
        return;
    unmap(s);
    if (s->leaders != MPI_COMM_NULL)
        MPI_Comm_free(&s->leaders);
    if (s->node != MPI_COMM_NULL)
        MPI_Comm_free(&s->node);
}
