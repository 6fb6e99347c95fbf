// SPDX-License-Identifier: MIT
#include "runfile/run_series.h"

#include <stdlib.h>
#include <string.h>

#include "common/hdf5/hdf5_file.h"

hid_t run_series_access(void)
{
    hid_t access = hdf5_unlocked();
    if (access >= 0 && H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) < 0)
        hdf5_close(&access);
    return access;
}

herr_t run_series_init(struct run_series *series, enum run_dataset dataset, const struct run_file_header *header)
{
    const struct config_targets *targets = &header->config->targets;
    const int target = run_dataset_target(dataset);
    const bool no_atlas = strcmp(header->kind, "atlas") != 0 && dataset >= RUN_PEAKS && dataset < RUN_IMAGES;
    *series = (struct run_series){0};
    if (target >= targets->count || no_atlas)
        return 0;
    *series = (struct run_series){.dataset = dataset, .chunk = run_dataset_chunk(dataset)};
    run_dataset_name(dataset, target >= 0 ? targets->items[target].layer : NULL, series->name);
    series->width = (hsize_t)run_dataset_width(dataset, header->channels);
    series->type = series->width || dataset == RUN_CAM_VALUES ? H5Tcopy(H5T_NATIVE_FLOAT) : run_table_type(dataset, targets->count, NULL);
    if (series->type < 0)
        return -1;
    series->row_size = H5Tget_size(series->type) * (series->width ? series->width : 1);
    series->rows = calloc(series->chunk, series->row_size);
    series->capacity = series->rows ? series->chunk : 0;
    return series->rows ? 0 : -1;
}

bool run_series_widen(struct run_series *series)
{
    const hsize_t chunks = series->capacity / series->chunk, wide = (chunks + chunks / 4 + 1) * series->chunk;
    char *wider = realloc(series->rows, wide * series->row_size);
    if (!wider)
        return false;
    series->rows = wider;
    series->capacity = wide;
    return true;
}

void run_series_destroy(struct run_series *series)
{
    free(series->rows);
    hdf5_close(&series->type);
    *series = (struct run_series){0};
}

static int dimensions(const struct run_series *series)
{
    return series->width ? 2 : 1;
}

static hid_t create(const struct run_series *series, hid_t file)
{
    const hsize_t size[] = {1, series->width}, most[] = {H5S_UNLIMITED, series->width}, chunk[] = {series->chunk, series->width};
    HDF5_HANDLE space = H5Screate_simple(dimensions(series), size, most);
    HDF5_HANDLE creation = H5Pcreate(H5P_DATASET_CREATE);
    HDF5_HANDLE link = H5Pcreate(H5P_LINK_CREATE);
    if (space < 0 || creation < 0 || link < 0 || H5Pset_chunk(creation, dimensions(series), chunk) < 0 ||
        H5Pset_create_intermediate_group(link, 1) < 0)
        return -1;
    return H5Dcreate2(file, series->name, series->type, space, link, creation, H5P_DEFAULT);
}

// Makes the index of chunks, by writing the one row that is there and taking it away again. Left to the first real write, a kill could
// leave the new number of rows without the index: they may lie in different parts of the dataset's header.
static herr_t make_index(const struct run_series *series, hid_t dataset)
{
    const hsize_t none[] = {0, series->width};
    return H5Dwrite(dataset, series->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, series->rows) < 0 ? -1 : H5Dset_extent(dataset, none);
}

herr_t run_series_create(const struct run_series *series, hid_t file, const struct run_file_header *header)
{
    if (!series->rows)
        return 0;
    const hid_t dataset = create(series, file);
    if (dataset < 0)
        return -1;
    herr_t done = make_index(series, dataset);
    if (done >= 0)
        done = run_dataset_describe(series->dataset, dataset, header);
    return H5Dclose(dataset) < 0 ? -1 : done;
}

// Makes room at the end. Returns the dataspace with the new rows selected.
static hid_t grow(const struct run_series *series, hid_t dataset)
{
    hsize_t size[2] = {0, 0};
    const hsize_t added[] = {series->count, series->width};
    HDF5_HANDLE before = H5Dget_space(dataset);
    if (before < 0 || H5Sget_simple_extent_ndims(before) != dimensions(series) || H5Sget_simple_extent_dims(before, size, NULL) < 0 ||
        size[1] != series->width)
        return -1;
    const hsize_t start[] = {size[0], 0};
    size[0] += series->count;
    if (H5Dset_extent(dataset, size) < 0)
        return -1;
    hid_t space = H5Dget_space(dataset);
    if (space >= 0 && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, added, NULL) < 0)
        hdf5_close(&space);
    return space;
}

herr_t run_series_write(const struct run_series *series, hid_t file)
{
    herr_t done = -1;
    const hsize_t added[] = {series->count, series->width};
    const hid_t dataset = H5Dopen2(file, series->name, H5P_DEFAULT);
    HDF5_HANDLE waiting = H5Screate_simple(dimensions(series), added, NULL);
    HDF5_HANDLE space = dataset < 0 || waiting < 0 ? -1 : grow(series, dataset);
    if (space >= 0 && H5Dwrite(dataset, series->type, waiting, space, H5P_DEFAULT, series->rows) >= 0)
        done = H5Dflush(dataset);
    return dataset >= 0 && H5Dclose(dataset) < 0 ? -1 : done;
}
