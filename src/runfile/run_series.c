// SPDX-License-Identifier: MIT
#include "runfile/run_series.h"

#include <stdio.h>
#include <stdlib.h>

hid_t run_text_type(size_t size)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 && (H5Tset_size(type, size) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0)) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

herr_t run_series_init(struct run_series *series, const char *name, hid_t type, hsize_t width, size_t chunk)
{
    *series = (struct run_series){.type = type, .width = width, .chunk = chunk};
    if (type < 0 || snprintf(series->name, sizeof series->name, "%s", name) >= (int)sizeof series->name)
        return -1;
    series->row_size = H5Tget_size(type) * (width ? width : 1);
    series->rows = calloc(chunk, series->row_size);
    series->capacity = series->rows ? chunk : 0;
    return series->rows ? 0 : -1;
}

bool run_series_widen(struct run_series *series)
{
    char *wider = realloc(series->rows, (series->capacity + series->chunk) * series->row_size);
    if (!wider)
        return false;
    series->rows = wider;
    series->capacity += series->chunk;
    return true;
}

void run_series_destroy(struct run_series *series)
{
    free(series->rows);
    if (series->type > 0)
        H5Tclose(series->type);
    *series = (struct run_series){0};
}

static int dimensions(const struct run_series *series)
{
    return series->width ? 2 : 1;
}

// Makes the index of chunks, by writing the one row that is there and taking it away again. Left to the first real write, a kill could
// leave the new number of rows without the index: they may lie in different parts of the dataset's header.
static herr_t make_index(const struct run_series *series, hid_t dataset)
{
    const hsize_t none[] = {0, series->width};
    return H5Dwrite(dataset, series->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, series->rows) < 0 ? -1 : H5Dset_extent(dataset, none);
}

hid_t run_series_create(const struct run_series *series, hid_t file)
{
    const hsize_t size[] = {1, series->width}, most[] = {H5S_UNLIMITED, series->width}, chunk[] = {series->chunk, series->width};
    hid_t space = H5Screate_simple(dimensions(series), size, most), dataset = -1;
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE), link = H5Pcreate(H5P_LINK_CREATE);
    if (space < 0 || creation < 0 || link < 0 || H5Pset_chunk(creation, dimensions(series), chunk) < 0 ||
        H5Pset_create_intermediate_group(link, 1) < 0)
        goto out;
    dataset = H5Dcreate2(file, series->name, series->type, space, link, creation, H5P_DEFAULT);
    if (dataset >= 0 && make_index(series, dataset) < 0) {
        H5Dclose(dataset);
        dataset = -1;
    }
out:
    if (link >= 0)
        H5Pclose(link);
    if (creation >= 0)
        H5Pclose(creation);
    if (space >= 0)
        H5Sclose(space);
    return dataset;
}

// Makes room at the end. Returns the dataspace with the new rows selected.
static hid_t grow(const struct run_series *series, hid_t dataset)
{
    hsize_t size[2] = {0, 0}, start[2] = {0, 0};
    const hsize_t added[] = {series->count, series->width};
    hid_t space = H5Dget_space(dataset);
    if (space < 0)
        return -1;
    const int known = H5Sget_simple_extent_ndims(space) == dimensions(series) ? H5Sget_simple_extent_dims(space, size, NULL) : -1;
    H5Sclose(space);
    if (known < 0 || size[1] != series->width)
        return -1;
    start[0] = size[0];
    size[0] += series->count;
    if (H5Dset_extent(dataset, size) < 0)
        return -1;
    space = H5Dget_space(dataset);
    if (space >= 0 && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, added, NULL) < 0) {
        H5Sclose(space);
        space = -1;
    }
    return space;
}

herr_t run_series_write(const struct run_series *series, hid_t file)
{
    herr_t done = -1;
    const hsize_t added[] = {series->count, series->width};
    hid_t dataset = H5Dopen2(file, series->name, H5P_DEFAULT), waiting = H5Screate_simple(dimensions(series), added, NULL), space = -1;
    if (dataset < 0 || waiting < 0 || (space = grow(series, dataset)) < 0)
        goto out;
    if (H5Dwrite(dataset, series->type, waiting, space, H5P_DEFAULT, series->rows) >= 0)
        done = H5Dflush(dataset);
out:
    if (space >= 0)
        H5Sclose(space);
    if (waiting >= 0)
        H5Sclose(waiting);
    if (dataset >= 0 && H5Dclose(dataset) < 0)
        done = -1;
    return done;
}

// Rows of an open dataset that is like the series; negative for any other.
static hssize_t length_of(const struct run_series *series, hid_t dataset)
{
    hsize_t size[2] = {0, 0};
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    const bool like = space >= 0 && type >= 0 && H5Sget_simple_extent_ndims(space) == dimensions(series) &&
                      H5Sget_simple_extent_dims(space, size, NULL) >= 0 && size[1] == series->width && H5Tequal(type, series->type) > 0;
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    return like ? (hssize_t)size[0] : -1;
}

hssize_t run_series_length(const struct run_series *series, hid_t file)
{
    hid_t dataset = H5Dopen2(file, series->name, H5P_DEFAULT);
    if (dataset < 0)
        return -1;
    const hssize_t length = length_of(series, dataset);
    H5Dclose(dataset);
    return length;
}

herr_t run_series_read(const struct run_series *series, hid_t file, hsize_t first, hsize_t count, void *rows)
{
    herr_t done = -1;
    const hsize_t start[] = {first, 0}, size[] = {count, series->width};
    hid_t dataset = H5Dopen2(file, series->name, H5P_DEFAULT), memory = H5Screate_simple(dimensions(series), size, NULL), space = -1;
    if (dataset < 0 || memory < 0 || (hssize_t)(first + count) > length_of(series, dataset) || (space = H5Dget_space(dataset)) < 0)
        goto out;
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL) >= 0)
        done = H5Dread(dataset, series->type, memory, space, H5P_DEFAULT, rows);
out:
    if (space >= 0)
        H5Sclose(space);
    if (memory >= 0)
        H5Sclose(memory);
    if (dataset >= 0)
        H5Dclose(dataset);
    return done;
}
