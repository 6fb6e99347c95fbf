// SPDX-License-Identifier: MIT
#include "report/run_images.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/run_rows.h"
#include "report/measures.h"
#include "runfile/columns.h"

enum { DIGEST_SIZE = sizeof((struct image_row *)0)->sha256 };

// A number of a file that may hold any.
static int64_t whole(double number)
{
    return number >= -9e15 && number <= 9e15 ? (int64_t)number : -1;
}

static int small(double number)
{
    return number >= INT_MIN && number <= INT_MAX ? (int)number : 0;
}

static enum status read_texts(const struct columns *columns, struct run_images *images)
{
    TRY(columns_text(columns, "source", ROW_SOURCE_MAX, &images->sources));
    TRY(columns_text(columns, "sha256", DIGEST_SIZE, &images->digests));
    TRY(columns_text(columns, "output", ROW_SOURCE_MAX, &images->outputs));
    TRY(columns_text(columns, "error", ROW_ERROR_MAX, &images->errors));
    for (size_t i = 0; i < images->count; i++) {
        images->items[i].row = i;
        images->items[i].source = images->sources + i * ROW_SOURCE_MAX;
        images->items[i].sha256 = images->digests + i * DIGEST_SIZE;
        images->items[i].output = images->outputs + i * ROW_SOURCE_MAX;
        images->items[i].error = images->errors + i * ROW_ERROR_MAX;
    }
    return STATUS_OK;
}

static enum status read_numbers(const struct columns *columns, struct run_images *images)
{
    static const char *const names[] = {"id", "status", "width", "height", "bits", "rank", "team", "tiles"};
    static const char *const seconds[RUN_IMAGE_SECONDS] = {"seconds_read", "seconds_decode", "seconds_wait", "seconds_dream",
                                                           "seconds_encode"};
    enum { NAMES = sizeof names / sizeof names[0] };
    double *values = NULL;
    enum status rc = STATUS_OK;
    for (int k = 0; k < NAMES; k++) {
        TRY_OUT(columns_numbers(columns, names[k], 1, &values));
        for (size_t i = 0; i < images->count; i++) {
            struct run_image *image = &images->items[i];
            int *const fields[NAMES] = {NULL,         &image->status, &image->width, &image->height,
                                        &image->bits, &image->rank,   &image->team,  &image->tiles};
            if (k == 0)
                image->id = whole(values[i]);
            else
                *fields[k] = small(values[i]);
        }
        free(values);
        values = NULL;
    }
    for (int k = 0; k < RUN_IMAGE_SECONDS; k++) {
        TRY_OUT(columns_numbers(columns, seconds[k], 1, &values));
        for (size_t i = 0; i < images->count; i++)
            images->items[i].seconds[k] = values[i];
        free(values);
        values = NULL;
    }
out:
    free(values);
    return rc;
}

// The measures of all images under one ending, NaN where the table has none.
static enum status read_measures(const struct columns *columns, const char *ending, int targets, double *to)
{
    const int width = measures_width(targets);
    for (size_t i = 0; i < columns->rows * (size_t)width; i++)
        to[i] = NAN;
    for (int m = 0; m < MEASURES; m++) {
        char name[64];
        double *values = NULL;
        const int numbers = measures[m].per_target ? targets : 1, offset = measures_offset(m, targets);
        snprintf(name, sizeof name, "%s_%s", measures[m].column, ending);
        if (!columns_have(columns, name))
            continue;
        TRY(columns_numbers(columns, name, numbers, &values));
        for (size_t i = 0; i < columns->rows; i++)
            memcpy(to + i * (size_t)width + offset, values + i * (size_t)numbers, (size_t)numbers * sizeof *to);
        free(values);
    }
    return STATUS_OK;
}

static int by_id(const void *a, const void *b)
{
    const struct run_image *x = a, *y = b;
    return x->id != y->id ? (x->id > y->id) - (x->id < y->id) : (x->row > y->row) - (x->row < y->row);
}

static enum status check(const char *path, const struct run_images *images)
{
    for (size_t i = 0; i < images->count; i++) {
        const struct run_image *image = &images->items[i];
        if (image->id < 0 || image->status < IMAGE_DONE || image->status > IMAGE_STOPPED)
            return fail(STATUS_FORMAT, "%s: row %zu of /images has id %lld and status %d; the file is damaged", path, image->row,
                        (long long)image->id, image->status);
        if (i > 0 && image->id == images->items[i - 1].id)
            return fail(STATUS_FORMAT, "%s: image %lld is in /images twice; the file is damaged", path, (long long)image->id);
    }
    return STATUS_OK;
}

static enum status read_all(const struct columns *columns, int targets, struct run_images *images)
{
    const size_t width = (size_t)measures_width(targets);
    images->count = columns->rows;
    images->items = calloc(columns->rows + 1, sizeof *images->items);
    images->before = malloc((columns->rows * width + 1) * sizeof *images->before);
    images->after = malloc((columns->rows * width + 1) * sizeof *images->after);
    if (!images->items || !images->before || !images->after) {
        return fail(STATUS_LIMIT, "%s: no memory for %zu images", columns->path, columns->rows);
    }
    TRY(read_texts(columns, images));
    TRY(read_numbers(columns, images));
    TRY(read_measures(columns, "before", targets, images->before));
    TRY(read_measures(columns, "after", targets, images->after));
    for (size_t i = 0; i < images->count; i++) {
        images->items[i].before = images->before + i * width;
        images->items[i].after = images->after + i * width;
    }
    qsort(images->items, images->count, sizeof *images->items, by_id);
    return check(columns->path, images);
}

enum status run_images_read(hid_t file, const char *path, int targets, struct run_images *images)
{
    struct columns columns;
    enum status rc = STATUS_OK;
    *images = (struct run_images){0};
    TRY(columns_open(file, path, "images", &columns));
    rc = read_all(&columns, targets, images);
    columns_close(&columns);
    if (rc != STATUS_OK)
        run_images_destroy(images);
    return rc;
}

void run_images_destroy(struct run_images *images)
{
    free(images->items);
    free(images->sources);
    free(images->digests);
    free(images->outputs);
    free(images->errors);
    free(images->before);
    free(images->after);
    *images = (struct run_images){0};
}
