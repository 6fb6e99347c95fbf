// SPDX-License-Identifier: MIT
#include "kernels/network/arena.h"

#include <stdlib.h>

static int by_size(const void *a, const void *b)
{
    const struct buffer *x = *(const struct buffer *const *)a, *y = *(const struct buffer *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x < y ? -1 : x > y; // the same layout every time
}

// The lowest offset at which `self` overlaps none of the `placed` buffers (kept in order of offset) that live when it does.
static size_t find_place(struct buffer *const *placed, int count, const struct buffer *self)
{
    size_t offset = 0;
    for (int i = 0; i < count; i++) {
        const struct buffer *other = placed[i];
        if (other->last < self->first || other->first > self->last)
            continue;
        if (other->offset >= offset + arena_aligned(self->bytes))
            break;
        if (other->offset + arena_aligned(other->bytes) > offset)
            offset = other->offset + arena_aligned(other->bytes);
    }
    return offset;
}

enum status arena_layout(struct buffer *buffers, int count, size_t *bytes)
{
    struct buffer **order = NULL, **placed = NULL;
    enum status rc;
    *bytes = 0;
    TRY_OUT(ALLOCATE(order, count + 1, "to plan memory"));
    TRY_OUT(ALLOCATE(placed, count + 1, "to plan memory"));
    for (int i = 0; i < count; i++)
        order[i] = &buffers[i];
    qsort(order, (size_t)count, sizeof *order, by_size);
    int placed_count = 0;
    for (int i = 0; i < count; i++) {
        struct buffer *self = order[i];
        if (self->first > self->last || self->bytes == 0)
            continue;
        self->offset = find_place(placed, placed_count, self);
        if (self->offset + arena_aligned(self->bytes) > *bytes)
            *bytes = self->offset + arena_aligned(self->bytes);
        int at = placed_count++;
        for (; at > 0 && placed[at - 1]->offset > self->offset; at--)
            placed[at] = placed[at - 1];
        placed[at] = self;
    }
out:
    free(order);
    free(placed);
    return rc;
}
