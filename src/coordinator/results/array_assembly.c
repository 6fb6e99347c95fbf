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

static size_t value_count(const struct array_part *part)
{
    return (size_t)part->channels * (size_t)part->rows * (size_t)part->columns;
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
           (int64_t)value_count(part) <= entry->left;
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
    struct array_part whole = *part;
    whole.y = whole.x = 0;
    whole.rows = part->height;
    whole.columns = part->width;
    const size_t count = value_count(&whole);
    struct array_entry *entry = calloc(1, sizeof *entry);
    float *values = malloc(count * sizeof *values);
    if (!entry || !values) {
        free(entry);
        free(values);
        return NULL;
    }
    *entry = (struct array_entry){.next = arrays->first, .array = {.part = whole, .values = values}, .left = (int64_t)count};
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
    entry->left -= (int64_t)value_count(part);
}

enum status arrays_receive(MPI_Comm comm, int rank, struct array_part *part, float **values)
{
    *values = NULL;
    TRY(mpi_receive(part, sizeof *part, rank, MESSAGE_ARRAY, comm));
    if (!fits(part))
        return fail(STATUS_INTERNAL, "rank %d sent a part of an array that lies outside it", rank);
    TRY(ALLOCATE(*values, value_count(part), "for what rank %d sends", rank));
    const enum status rc = mpi_receive_values(*values, value_count(part), rank, MESSAGE_ARRAY_VALUES, comm);
    if (rc != STATUS_OK)
        free(*values);
    return rc;
}

enum status arrays_add(struct arrays *arrays, int64_t image, const struct array_part *part, float *values, struct array *whole)
{
    struct array_entry **at = find(arrays, part), *entry = *at;
    enum status rc = STATUS_OK;
    *whole = (struct array){0};
    if (part->image != image || !fits(part) || (entry && !is_missing(entry, part))) {
        rc = fail(STATUS_INTERNAL, "a part of an array does not belong to image %" PRId64, image);
        goto out;
    }
    arrays->received++;
    arrays->bytes += (int64_t)(value_count(part) * sizeof *values);
    if (part->rows == part->height && part->columns == part->width) {
        *whole = (struct array){.part = *part, .values = values};
        return STATUS_OK;
    }
    entry = entry ? entry : add(arrays, part);
    TRY_OUT(entry ? STATUS_OK : no_memory("for an array of image %" PRId64, image));
    put(entry, part, values);
    if (entry->left > 0)
        goto out;
    *whole = entry->array;
    at = find(arrays, part);
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
