// SPDX-License-Identifier: MIT
// The rows of an earlier run file go over into a new one.
#include <stdlib.h>
#include <string.h>

#include "common/hdf5/hdf5_error.h"
#include "runfile/run_file_inside.h"

// The rows of an earlier file, on their way into the new one.
struct carrying {
    struct run_file *file;
    const struct run_earlier *earlier;
    hid_t root; // of the earlier file
    bool *kept; // [rows of /images]
};

// A number in a row of a table.
static int64_t member(const struct run_series *series, const char *row, const char *name)
{
    const int index = H5Tget_member_index(series->type, name);
    const char *at = row + H5Tget_member_offset(series->type, (unsigned)index);
    int64_t wide;
    int32_t narrow;
    if (strcmp(name, "image") == 0 || strcmp(name, "id") == 0 || strcmp(name, "offset") == 0)
        return memcpy(&wide, at, sizeof wide), wide;
    return memcpy(&narrow, at, sizeof narrow), narrow;
}

static enum status put_row(struct run_file *file, struct run_series *series, const char *row, int64_t image)
{
    if (!run_file_make_room(file, series))
        return run_file_lose_row(file, image);
    memcpy(series->rows + series->row_size * series->count++, row, series->row_size);
    return STATUS_OK;
}

static enum status take_step_row(struct carrying *c, struct run_series *series, char *row, hsize_t number)
{
    const int64_t image = member(series, row, "image");
    (void)number;
    return c->earlier->keep(c->earlier->context, image) ? put_row(c->file, series, row, image) : STATUS_OK;
}

static enum status take_cam_row(struct carrying *c, struct run_series *series, char *row, hsize_t number)
{
    const int64_t image = member(series, row, "image"), width = member(series, row, "width"), height = member(series, row, "height"),
                  offset = member(series, row, "offset");
    const struct run_series *all = &c->file->layout.series[RUN_CAM_VALUES];
    enum status rc = STATUS_OK;
    (void)number;
    if (!c->earlier->keep(c->earlier->context, image))
        return STATUS_OK;
    const int64_t there = run_series_length(all, c->root);
    if (width < 1 || height < 1 || width > INT32_MAX / height || offset < 0 || offset > there - width * height)
        return fail(STATUS_FORMAT, "%s: a map of %lld x %lld values is not there", c->earlier->path, (long long)width, (long long)height);
    const size_t count = (size_t)(width * height);
    float *values = malloc(count * sizeof *values);
    if (!values)
        return fail(STATUS_LIMIT, "no memory for a map of %zu values", count);
    if (run_series_read(all, c->root, (hsize_t)offset, count, values) < 0) {
        rc = hdf5_fail(c->earlier->path, "cannot read a map");
        goto out;
    }
    const int64_t now_at = c->file->cam_values;
    memcpy(row + H5Tget_member_offset(series->type, (unsigned)H5Tget_member_index(series->type, "offset")), &now_at, sizeof now_at);
    TRY_OUT(run_file_add_cam_values(c->file, values, count, image));
    rc = put_row(c->file, series, row, image);
out:
    free(values);
    return rc;
}

static enum status take_image_row(struct carrying *c, struct run_series *series, char *row, hsize_t number)
{
    c->kept[number] = c->earlier->keep(c->earlier->context, member(series, row, "id"));
    return c->kept[number] ? put_row(c->file, series, row, -1) : STATUS_OK;
}

static enum status take_importance_row(struct carrying *c, struct run_series *series, char *row, hsize_t number)
{
    return c->kept[number] ? put_row(c->file, series, row, -1) : STATUS_OK;
}

static enum status carry_series(struct carrying *c, int number,
                                enum status (*take)(struct carrying *c, struct run_series *series, char *row, hsize_t number))
{
    struct run_series *series = &c->file->layout.series[number];
    const hssize_t length = run_series_length(series, c->root);
    char *rows = malloc(series->chunk * series->row_size);
    enum status rc = STATUS_OK;
    if (!rows || length < 0) {
        rc = rows ? fail(STATUS_FORMAT, "%s: its %s is not like ours", c->earlier->path, series->name)
                  : fail(STATUS_LIMIT, "no memory for rows of %s", series->name);
        goto out;
    }
    for (hsize_t first = 0; first < (hsize_t)length; first += series->chunk) {
        const hsize_t left = (hsize_t)length - first, count = left < series->chunk ? left : series->chunk;
        if (run_series_read(series, c->root, first, count, rows) < 0) {
            rc = hdf5_fail(c->earlier->path, "cannot read rows");
            goto out;
        }
        for (hsize_t i = 0; i < count; i++)
            TRY_OUT(take(c, series, rows + i * series->row_size, first + i));
    }
out:
    free(rows);
    return rc;
}

// In the order in which rows are written. Of the images there are as many rows as of their importance.
static enum status carry_all(struct carrying *c)
{
    const struct run_layout *layout = &c->file->layout;
    const hssize_t images = run_series_length(&layout->series[RUN_IMAGES], c->root);
    enum status rc;
    for (int t = 0; t < layout->targets; t++)
        if (images < 0 || run_series_length(&layout->series[RUN_IMPORTANCE + t], c->root) < images)
            return fail(STATUS_FORMAT, "%s: its images or their importance are not like ours", c->earlier->path);
    c->kept = calloc((size_t)images + 1, sizeof *c->kept);
    if (!c->kept)
        return fail(STATUS_LIMIT, "no memory for %lld images", (long long)images);
    TRY_OUT(carry_series(c, RUN_STEPS, take_step_row));
    TRY_OUT(carry_series(c, RUN_CAM_FRAMES, take_cam_row));
    TRY_OUT(carry_series(c, RUN_IMAGES, take_image_row));
    for (int t = 0; t < layout->targets; t++)
        TRY_OUT(carry_series(c, RUN_IMPORTANCE + t, take_importance_row));
    rc = run_file_write(c->file, false);
out:
    free(c->kept);
    return rc;
}

enum status run_file_carry(struct run_file *file, const struct run_earlier *earlier)
{
    struct carrying c = {.file = file, .earlier = earlier};
    c.root = run_file_open(earlier->path);
    if (c.root < 0)
        return hdf5_fail(earlier->path, "cannot read the earlier run");
    const enum status rc = carry_all(&c);
    H5Fclose(c.root);
    return rc;
}
