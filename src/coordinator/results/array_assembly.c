// SPDX-License-Identifier: MIT
#include "coordinator/results/array_assembly.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct array_entry {
    struct array_entry *next;
    struct array array;
    int64_t left; // values that have not come
};

static bool is_same(const struct array_part *a, const struct array_part *b)
{
    return a->kind == b->kind && a->target == b->target && a->variant == b->variant && a->frame == b->frame;
}

static bool fits(const struct array_part *part)
{
    return part->channels > 0 && part->height > 0 && part->width > 0 && part->rows > 0 && part->columns > 0 && part->y >= 0 &&
           part->x >= 0 && part->y <= part->height - part->rows && part->x <= part->width - part->columns &&
           (int64_t)part->channels * part->rows <= INT_MAX / part->columns &&
           (int64_t)part->channels * part->height <= INT64_MAX / (int64_t)sizeof(float) / part->width;
}

// Whether a part is of the same shape as those that came before, and not more than is missing.
static bool is_missing(const struct array_entry *entry, const struct array_part *part)
{
    const struct array_part *whole = &entry->array.part;
    return part->channels == whole->channels && part->height == whole->height && part->width == whole->width &&
           (int64_t)part->channels * part->rows * part->columns <= entry->left;
}

static struct array_entry **find(struct arrays *arrays, const struct array_part *part)
{
    struct array_entry **at = &arrays->first;
    while (*at && !is_same(&(*at)->array.part, part))
        at = &(*at)->next;
    return at;
}

static struct array_entry *add(struct arrays *arrays, const struct array_part *part)
{
    struct array_entry *entry = calloc(1, sizeof *entry);
    const size_t count = (size_t)part->channels * (size_t)part->height * (size_t)part->width;
    float *values = malloc(count * sizeof *values);
    if (!entry || !values) {
        free(entry);
        free(values);
        return NULL;
    }
    *entry = (struct array_entry){.next = arrays->first, .array = {.part = *part, .values = values}, .left = (int64_t)count};
    entry->array.part.y = entry->array.part.x = 0;
    entry->array.part.rows = part->height;
    entry->array.part.columns = part->width;
    arrays->first = entry;
    return entry;
}

static void put(struct array_entry *entry, const struct array_part *part, const float *values)
{
    const size_t width = (size_t)part->width, columns = (size_t)part->columns;
    for (int c = 0; c < part->channels; c++)
        for (int y = 0; y < part->rows; y++, values += columns)
            memcpy(entry->array.values + ((size_t)c * (size_t)part->height + (size_t)(part->y + y)) * width + part->x, values,
                   columns * sizeof *values);
    entry->left -= (int64_t)part->channels * part->rows * part->columns;
}

enum status arrays_receive(struct arrays *arrays, MPI_Comm comm, int rank, int64_t image, struct array *whole)
{
    struct array_part part;
    float *values = NULL;
    enum status rc;
    *whole = (struct array){0};
    TRY_OUT(mpi_receive(&part, sizeof part, rank, MESSAGE_ARRAY, comm));
    struct array_entry **at = find(arrays, &part);
    if (part.image != image || !fits(&part) || (*at && !is_missing(*at, &part))) {
        rc = fail(STATUS_INTERNAL, "rank %d sent a part of an array that does not belong to image %" PRId64, rank, image);
        goto out;
    }
    struct array_entry *entry = *at ? *at : add(arrays, &part);
    const size_t count = (size_t)part.channels * (size_t)part.rows * (size_t)part.columns;
    values = malloc(count * sizeof *values);
    if (!entry || !values) {
        rc = fail(STATUS_LIMIT, "no memory for what rank %d sends", rank);
        goto out;
    }
    TRY_OUT(mpi_receive_values(values, count, rank, MESSAGE_ARRAY_VALUES, comm));
    put(entry, &part, values);
    arrays->received++;
    arrays->bytes += (int64_t)(count * sizeof *values);
    if (entry->left > 0)
        goto out;
    *whole = entry->array;
    at = find(arrays, &part);
    *at = entry->next;
    free(entry);
out:
    free(values);
    return rc;
}

void arrays_destroy(struct arrays *arrays)
{
    for (struct array_entry *entry = arrays->first, *next; entry; entry = next) {
        next = entry->next;
        free(entry->array.values);
        free(entry);
    }
    *arrays = (struct arrays){0};
}
