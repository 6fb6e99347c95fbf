// SPDX-License-Identifier: MIT
#include "worker/team/outbox.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static enum status add_copy(struct outbox *outbox, const void *bytes, size_t size, int tag)
{
    void *copy = malloc(size);
    if (copy)
        memcpy(copy, bytes, size);
    return pending_sends_add(&outbox->sends, copy, (int)size, MPI_BYTE, COORDINATOR_RANK, tag, outbox->comm);
}

enum status outbox_report(struct outbox *outbox, const struct report *report)
{
    if (outbox->lead)
        return outbox->lead->report(outbox->lead->context, report);
    TRY(pending_sends_wait(&outbox->sends, OUTBOX_MAX - 1));
    return add_copy(outbox, report, sizeof *report, MESSAGE_REPORT);
}

enum status outbox_send(struct outbox *outbox, const struct array_part *part, float *values)
{
    const int64_t count = (int64_t)part->channels * part->rows * part->columns;
    enum status rc = STATUS_OK;
    if (count == 0)
        goto out;
    if (count > INT_MAX)
        TRY_OUT(fail(STATUS_LIMIT, "a part of %lld values is more than MPI takes at once", (long long)count));
    if (outbox->lead)
        return outbox->lead->array(outbox->lead->context, part, values);
    TRY_OUT(pending_sends_wait(&outbox->sends, OUTBOX_MAX - 2));
    TRY_OUT(add_copy(outbox, part, sizeof *part, MESSAGE_ARRAY));
    outbox->sent++;
    return pending_sends_add(&outbox->sends, values, (int)count, MPI_FLOAT, COORDINATOR_RANK, MESSAGE_ARRAY_VALUES, outbox->comm);
out:
    free(values);
    return rc;
}

struct array_part array_part_rows(struct array_part part, const struct slab *slab, int channels)
{
    part.channels = channels;
    part.height = slab->height;
    part.width = part.columns = slab->width;
    part.y = slab->rows.begin;
    part.rows = slab->rows.end - slab->rows.begin;
    return part;
}

static enum status send_copy(struct outbox *outbox, const struct array_part *part, const float *values)
{
    const size_t count = (size_t)part->channels * (size_t)part->rows * (size_t)part->columns; // there may be none
    float *copy;
    TRY(ALLOCATE(copy, count + 1, "to send what was found (%zu KiB)", count * sizeof *copy >> 10));
    memcpy(copy, values, count * sizeof *copy);
    return outbox_send(outbox, part, copy);
}

enum status outbox_send_rows(struct outbox *outbox, struct array_part part, const struct slab *slab, int channels)
{
    part = array_part_rows(part, slab, channels);
    return send_copy(outbox, &part, slab->data);
}

enum status outbox_send_whole(struct outbox *outbox, struct array_part part, int channels, int height, int width, const float *values)
{
    part.channels = channels;
    part.height = part.rows = height;
    part.width = part.columns = width;
    return send_copy(outbox, &part, values);
}

enum status outbox_progress(struct outbox *outbox)
{
    return outbox->lead ? outbox->lead->turn(outbox->lead->context) : pending_sends_progress(&outbox->sends);
}

enum status outbox_flush(struct outbox *outbox)
{
    return pending_sends_wait(&outbox->sends, 0);
}
