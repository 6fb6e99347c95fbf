// SPDX-License-Identifier: MIT
#include "worker/team/array_parts.h"

#include <stdlib.h>
#include <string.h>

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
    const size_t bytes = (size_t)part->channels * (size_t)part->rows * (size_t)part->columns * sizeof *values;
    float *copy = malloc(bytes + 1); // there may be none
    if (!copy)
        return fail(STATUS_LIMIT, "no memory to send what was found (%zu KiB)", bytes >> 10);
    memcpy(copy, values, bytes);
    return outbox_send(outbox, part, copy);
}

enum status array_send_rows(struct outbox *outbox, struct array_part part, const struct slab *slab, int channels)
{
    part = array_part_rows(part, slab, channels);
    return send_copy(outbox, &part, slab->data);
}

enum status array_send_whole(struct outbox *outbox, struct array_part part, int channels, int height, int width, const float *values)
{
    part.channels = channels;
    part.height = part.rows = height;
    part.width = part.columns = width;
    return send_copy(outbox, &part, values);
}
