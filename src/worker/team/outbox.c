// SPDX-License-Identifier: MIT
#include "worker/team/outbox.h"

#include <limits.h>
#include <stdlib.h>

void outbox_init(struct outbox *outbox, MPI_Comm comm)
{
    *outbox = (struct outbox){.comm = comm};
}

// The oldest part, if it has left.
static enum status test_first(struct outbox *outbox, bool *left)
{
    struct outbox_slot *slot = &outbox->slots[outbox->first];
    int done = 0;
    enum status rc;
    TRY_OUT(mpi_check(MPI_Testall(2, slot->requests, &done, MPI_STATUSES_IGNORE), "test"));
    if (done) {
        free(slot->values);
        slot->values = NULL;
        outbox->first = (outbox->first + 1) % OUTBOX_MAX;
        outbox->waiting--;
    }
out:
    *left = done != 0;
    return rc;
}

enum status outbox_progress(struct outbox *outbox)
{
    bool left = true;
    while (outbox->waiting > 0 && left)
        TRY(test_first(outbox, &left));
    return STATUS_OK;
}

static enum status wait_until(struct outbox *outbox, int waiting)
{
    unsigned idle = 0;
    TRY(outbox_progress(outbox));
    while (outbox->waiting > waiting) {
        mpi_pause_moving(&idle);
        TRY(outbox_progress(outbox));
    }
    return STATUS_OK;
}

// Waits for a free slot.
static enum status take_slot(struct outbox *outbox, struct outbox_slot **slot)
{
    TRY(wait_until(outbox, OUTBOX_MAX - 1));
    *slot = &outbox->slots[(outbox->first + outbox->waiting++) % OUTBOX_MAX];
    **slot = (struct outbox_slot){.requests = {MPI_REQUEST_NULL, MPI_REQUEST_NULL}};
    return STATUS_OK;
}

enum status outbox_report(struct outbox *outbox, const struct report *report)
{
    struct outbox_slot *slot;
    TRY(take_slot(outbox, &slot));
    slot->report = *report;
    return mpi_check(
        MPI_Isend(&slot->report, sizeof slot->report, MPI_BYTE, COORDINATOR_RANK, MESSAGE_REPORT, outbox->comm, &slot->requests[0]),
        "send");
}

enum status outbox_send(struct outbox *outbox, const struct array_part *part, float *values)
{
    const int64_t count = (int64_t)part->channels * part->rows * part->columns;
    enum status rc = STATUS_OK;
    if (count == 0)
        goto out;
    if (count > INT_MAX) {
        rc = fail(STATUS_LIMIT, "a part of %lld values is more than MPI takes at once", (long long)count);
        goto out;
    }
    struct outbox_slot *slot;
    TRY_OUT(take_slot(outbox, &slot));
    slot->part = *part;
    slot->values = values;
    values = NULL;
    outbox->sent++;
    TRY_OUT(mpi_check(
        MPI_Isend(&slot->part, sizeof slot->part, MPI_BYTE, COORDINATOR_RANK, MESSAGE_ARRAY, outbox->comm, &slot->requests[0]), "send"));
    rc = mpi_check(MPI_Isend(slot->values, (int)count, MPI_FLOAT, COORDINATOR_RANK, MESSAGE_ARRAY_VALUES, outbox->comm, &slot->requests[1]),
                   "send");
out:
    free(values);
    return rc;
}

enum status outbox_flush(struct outbox *outbox)
{
    return wait_until(outbox, 0);
}
