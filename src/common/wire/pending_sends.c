// SPDX-License-Identifier: MIT
#include "common/wire/pending_sends.h"

#include <stdlib.h>

#include "common/wire/messages.h"

struct pending_send {
    struct pending_send *next;
    MPI_Request request;
    void *data;
};

static void forget(struct pending_sends *sends, struct pending_send **at)
{
    struct pending_send *send = *at;
    *at = send->next;
    sends->count--;
    free(send->data);
    free(send);
}

enum status pending_sends_add(struct pending_sends *sends, void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm)
{
    struct pending_send *send = data ? malloc(sizeof *send) : NULL;
    if (!send) {
        free(data);
        return no_memory("for a message");
    }
    *send = (struct pending_send){.next = sends->first, .data = data};
    sends->first = send;
    sends->count++;
    const enum status rc = mpi_check(MPI_Isend(data, count, type, to, tag, comm, &send->request), "send");
    if (rc != STATUS_OK)
        forget(sends, &sends->first);
    return rc;
}

enum status pending_sends_progress(struct pending_sends *sends)
{
    for (struct pending_send **at = &sends->first; *at;) {
        int left = 0;
        TRY(mpi_check(MPI_Test(&(*at)->request, &left, MPI_STATUS_IGNORE), "test"));
        if (left)
            forget(sends, at);
        else
            at = &(*at)->next;
    }
    return STATUS_OK;
}

enum status pending_sends_wait(struct pending_sends *sends, int most)
{
    unsigned idle = 0;
    TRY(pending_sends_progress(sends));
    while (sends->count > most) {
        mpi_pause_moving(&idle);
        TRY(pending_sends_progress(sends));
    }
    return STATUS_OK;
}

void pending_sends_destroy(struct pending_sends *sends)
{
    while (sends->first)
        forget(sends, &sends->first);
}
