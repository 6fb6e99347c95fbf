// SPDX-License-Identifier: MIT
#include "report/channels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runfile/columns.h"
#include "runfile/run_attributes.h"

enum { LAYER_CHANNELS_MAX = 1 << 16, METHOD_MAX = 64 };

void channels_pick(const double *values, int channels, struct channel *picked, int count)
{
    for (int i = 0; i < count; i++)
        picked[i] = (struct channel){.number = -1};
    for (int c = 0; c < channels; c++) {
        int place = count;
        if (!isfinite(values[c]))
            continue;
        while (place > 0 && (picked[place - 1].number < 0 || fabs(values[c]) > fabs(picked[place - 1].value)))
            place--;
        if (place == count)
            continue;
        memmove(picked + place + 1, picked + place, (size_t)(count - 1 - place) * sizeof *picked);
        picked[place] = (struct channel){.number = c, .value = values[c]};
    }
}

// A dataset [rows, channels] of numbers that its file can hold.
static bool shape_of(hid_t dataset, hsize_t size[2])
{
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    const bool good = space >= 0 && type >= 0 && H5Tget_class(type) == H5T_FLOAT && H5Sget_simple_extent_ndims(space) == 2 &&
                      H5Sget_simple_extent_dims(space, size, NULL) >= 0 && size[1] >= 1 && size[1] <= LAYER_CHANNELS_MAX &&
                      size[0] <= ((hsize_t)1 << 40) && columns_file_can_hold(dataset, size[0] * size[1]);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    return good;
}

static bool read_row(hid_t dataset, hid_t space, hid_t memory, hsize_t row, hsize_t channels, double *values)
{
    const hsize_t start[2] = {row, 0}, count[2] = {1, channels};
    return H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
           H5Dread(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values) >= 0;
}

static void add(const double *values, int channels, struct target_channels *target, double *sum)
{
    if (!isfinite(values[0]))
        return;
    target->known++;
    for (int c = 0; c < channels; c++)
        sum[c] += values[c];
}

static enum status read_rows(hid_t dataset, const hsize_t size[2], const char *path, const struct run_images *images,
                             struct target_channels *target)
{
    double *values = calloc(2 * size[1], sizeof *values), *sum = values + size[1];
    hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(1, &size[1], NULL);
    enum status rc = STATUS_OK;
    if (!values) {
        rc = fail(STATUS_LIMIT, "no memory for the channels of %s", target->layer);
        goto out;
    }
    for (size_t i = 0; i < images->count; i++) {
        const size_t row = images->items[i].row;
        for (int k = 0; target->images && k < CHANNELS_IMAGE; k++)
            target->images[i * CHANNELS_IMAGE + (size_t)k].number = -1;
        if (row >= size[0])
            continue;
        if (!read_row(dataset, space, memory, row, size[1], values)) {
            rc = fail(STATUS_FORMAT, "%s: /importance/%s cannot be read; the file is damaged", path, target->layer);
            goto out;
        }
        add(values, (int)size[1], target, sum);
        if (target->images)
            channels_pick(values, (int)size[1], target->images + i * CHANNELS_IMAGE, CHANNELS_IMAGE);
    }
    for (hsize_t c = 0; c < size[1]; c++)
        sum[c] = target->known ? sum[c] / (double)target->known : NAN;
    target->channels = (int)size[1];
    channels_pick(sum, target->channels, target->mean, CHANNELS_MEAN);
out:
    H5Sclose(space);
    H5Sclose(memory);
    free(values);
    return rc;
}

// A target whose importance is not there is left empty.
static enum status read_target(hid_t file, const char *path, const struct run_images *images, bool listed, struct target_channels *target)
{
    char name[128];
    hsize_t size[2] = {0, 0};
    enum status rc = STATUS_OK;
    snprintf(name, sizeof name, "importance/%s", target->layer);
    for (int k = 0; k < CHANNELS_MEAN; k++)
        target->mean[k].number = -1;
    hid_t dataset = strchr(target->layer, '/') ? -1 : H5Dopen2(file, name, H5P_DEFAULT);
    if (dataset < 0)
        return STATUS_OK;
    target->method = run_attribute_read_text(dataset, "method", METHOD_MAX);
    target->images = listed ? calloc(images->count * CHANNELS_IMAGE + 1, sizeof *target->images) : NULL;
    if (shape_of(dataset, size))
        rc = read_rows(dataset, size, path, images, target);
    H5Dclose(dataset);
    return rc;
}

enum status channels_read(hid_t file, const char *path, const struct run_facts *facts, const struct run_images *images,
                          struct channels *channels)
{
    enum status rc = STATUS_OK;
    *channels = (struct channels){.target_count = facts->target_count, .image_count = images->count};
    channels->targets = calloc(facts->target_count + 1, sizeof *channels->targets);
    if (!channels->targets)
        return fail(STATUS_LIMIT, "no memory for %zu targets", facts->target_count);
    const bool listed = images->count * facts->target_count * CHANNELS_IMAGE <= CHANNELS_LISTED;
    for (size_t t = 0; t < facts->target_count; t++) {
        channels->targets[t].layer = facts->targets[t];
        TRY_OUT(read_target(file, path, images, listed, &channels->targets[t]));
    }
out:
    if (rc != STATUS_OK)
        channels_destroy(channels);
    return rc;
}

void channels_destroy(struct channels *channels)
{
    for (size_t t = 0; channels->targets && t < channels->target_count; t++) {
        free(channels->targets[t].method);
        free(channels->targets[t].images);
    }
    free(channels->targets);
    *channels = (struct channels){0};
}
