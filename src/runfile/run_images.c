// SPDX-License-Identifier: MIT
#include "runfile/run_images.h"

#include <stdlib.h>
#include <string.h>

#include "common/config/channel_input.h"

static enum status take(const struct image_row *row, size_t place, struct run_images *images)
{
    struct run_image *image = &images->items[images->count];
    *image = (struct run_image){
        .row = place,
        .id = row->id,
        .bytes = row->bytes,
        .modified = row->modified,
        .source = strdup(row->source),
        .output = strdup(row->output),
        .error = strdup(row->error),
        .status = row->status,
        .same = row->same,
        .missing = row->missing != 0,
        .width = row->width,
        .height = row->height,
        .bits = row->bits,
        .rank = row->rank,
        .team = row->team,
        .tiles = row->tiles,
        .seconds = {row->seconds_read, row->seconds_decode, row->seconds_wait, row->seconds_dream, row->seconds_encode},
    };
    memcpy(image->sha256, row->sha256, sizeof image->sha256);
    images->count++;
    return image->source && image->output && image->error ? STATUS_OK : no_memory("for the images of a run");
}

static int by_id(const void *a, const void *b)
{
    const struct run_image *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static enum status check(const char *path, const struct run_images *images)
{
    for (size_t i = 0; i < images->count; i++) {
        const struct run_image *image = &images->items[i];
        const char *table = image->earlier ? "/earlier" : "/images";
        if (image->id < 0 || image->status < IMAGE_DONE || image->status > IMAGE_STOPPED)
            return fail(STATUS_FORMAT, "%s: row %zu of %s has id %lld and status %d; the file is damaged", path, image->row, table,
                        (long long)image->id, image->status);
        if (i > 0 && image->id == images->items[i - 1].id)
            return fail(STATUS_FORMAT, "%s: image %lld is in %s twice; the file is damaged", path, (long long)image->id, table);
    }
    return STATUS_OK;
}

// `images`: without those that are there already.
static enum status add(struct run_reader *reader, enum run_dataset table, struct run_images *images)
{
    struct run_cursor *cursor;
    const size_t before = images->count;
    size_t place = 0;
    TRY(run_cursor_open(&cursor, reader, table));
    struct run_image *items = reallocarray(images->items, before + cursor->rows + 1, sizeof *items);
    enum status rc = items ? STATUS_OK : no_memory("for %zu images", cursor->rows);
    images->items = items ? items : images->items;
    for (const struct image_row *row; rc == STATUS_OK && (row = run_cursor_next(cursor)); place++) {
        const struct run_image wanted = {.id = row->id};
        if (before > 0 && bsearch(&wanted, images->items, before, sizeof wanted, by_id))
            continue;
        rc = take(row, place, images);
        images->items[images->count - 1].earlier = table == RUN_EARLIER;
    }
    rc = run_cursor_close(&cursor, rc);
    qsort(images->items, images->count, sizeof *images->items, by_id);
    return rc == STATUS_OK ? check(reader->path, images) : rc;
}

enum status run_images_read(struct run_reader *reader, struct run_images *images)
{
    *images = (struct run_images){0};
    const enum status rc = add(reader, RUN_IMAGES, images);
    if (rc != STATUS_OK)
        run_images_destroy(images);
    return rc;
}

enum status run_images_add_earlier(struct run_reader *reader, struct run_images *images)
{
    return add(reader, RUN_EARLIER, images);
}

bool run_image_counts(const struct run_image *image)
{
    return image->status == IMAGE_DONE && image->same == 0 && !image->earlier && !channel_input_is_named(image->source);
}

static int by_digest(const void *a, const void *b)
{
    const struct run_image *x = *(const struct run_image *const *)a, *y = *(const struct run_image *const *)b;
    const int order = strcmp(x->sha256, y->sha256);
    return order ? order : strcmp(x->source, y->source);
}

enum status run_images_of_set(const struct run_images *images, const struct run_image ***list, size_t *count)
{
    *count = 0;
    TRY(ALLOCATE(*list, images->count + 1, "for a list of %zu images", images->count));
    for (size_t i = 0; i < images->count; i++)
        if (run_image_counts(&images->items[i]))
            (*list)[(*count)++] = &images->items[i];
    qsort(*list, *count, sizeof **list, by_digest);
    return STATUS_OK;
}

void run_images_destroy(struct run_images *images)
{
    for (size_t i = 0; i < images->count; i++) {
        free(images->items[i].source);
        free(images->items[i].output);
        free(images->items[i].error);
    }
    free(images->items);
    *images = (struct run_images){0};
}
