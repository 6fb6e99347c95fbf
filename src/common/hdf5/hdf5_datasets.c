// SPDX-License-Identifier: MIT
#include "common/hdf5/hdf5_datasets.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/hdf5/hdf5_file.h"

enum { TEXT_MAX = 511 };                                   // bytes of a path
static const hsize_t CHUNK_VALUES_MAX = (hsize_t)16 << 20; // HDF5 holds a whole chunk in memory

enum status hdf5_open_file(const char *path, int64_t bytes_max, hid_t *file)
{
    struct stat info;
    *file = -1;
    if (stat(path, &info) != 0)
        return fail(STATUS_IO, "%m");
    if (!S_ISREG(info.st_mode))
        return fail(STATUS_FORMAT, "not a regular file");
    if (info.st_size > bytes_max)
        return fail(STATUS_LIMIT, "%lld bytes; at most %lld are read", (long long)info.st_size, (long long)bytes_max);
    HDF5_HANDLE access = hdf5_unlocked();
    *file = access < 0 ? -1 : H5Fopen(path, H5F_ACC_RDONLY, access);
    return *file < 0 ? fail(STATUS_FORMAT, "not a whole HDF5 file: %s", hdf5_reason()) : STATUS_OK;
}

enum status hdf5_open_bytes(const void *bytes, size_t size, hid_t *file)
{
    HDF5_HANDLE access = H5Pcreate(H5P_FILE_ACCESS);
    *file = -1;
    if (access >= 0 && H5Pset_fapl_core(access, 1 << 20, false) >= 0 && H5Pset_file_image(access, (void *)bytes, size) >= 0)
        *file = H5Fopen("memory", H5F_ACC_RDONLY, access);
    return *file < 0 ? fail(STATUS_FORMAT, "not a whole HDF5 file: %s", hdf5_reason()) : STATUS_OK;
}

enum status hdf5_check_float(hid_t dataset)
{
    HDF5_HANDLE type = H5Dget_type(dataset);
    if (type < 0)
        return fail(STATUS_FORMAT, "%s", hdf5_reason());
    if (H5Tequal(type, H5T_IEEE_F32LE) <= 0 && H5Tequal(type, H5T_IEEE_F32BE) <= 0)
        return fail(STATUS_FORMAT, "its type is not float32");
    return STATUS_OK;
}

// Opens one step of a path, which must be a hard link: nothing outside the file is ever followed.
static enum status open_step(hid_t parent, const char *step, const char *path, H5I_type_t type, hid_t *object)
{
    H5L_info_t info;
    if (H5Lexists(parent, step, H5P_DEFAULT) <= 0)
        return fail(STATUS_FORMAT, "%s is not in the file", path);
    if (H5Lget_info(parent, step, &info, H5P_DEFAULT) < 0)
        return fail(STATUS_FORMAT, "%s: %s", path, hdf5_reason());
    if (info.type != H5L_TYPE_HARD)
        return fail(STATUS_FORMAT, "%s is a soft or external link; links are not followed", path);
    if ((*object = H5Oopen(parent, step, H5P_DEFAULT)) < 0)
        return fail(STATUS_FORMAT, "%s: %s", path, hdf5_reason());
    if (H5Iget_type(*object) != type)
        return fail(STATUS_FORMAT, "%s is not a %s", path, type == H5I_GROUP ? "group" : "dataset");
    return STATUS_OK;
}

enum status hdf5_open_inside(hid_t from, const char *path, H5I_type_t type, hid_t *object)
{
    char copy[TEXT_MAX + 1], *rest = copy;
    enum status rc = STATUS_OK;
    snprintf(copy, sizeof copy, "%s", path);
    *object = -1;
    for (char *step; rc == STATUS_OK && (step = strsep(&rest, "/"));) {
        if (*step == '\0')
            continue;
        HDF5_HANDLE parent = *object;
        *object = -1;
        rc = open_step(parent < 0 ? from : parent, step, path, rest && *rest ? H5I_GROUP : type, object);
    }
    if (rc == STATUS_OK && *object < 0)
        rc = fail(STATUS_FORMAT, "an empty name");
    if (rc != STATUS_OK)
        hdf5_close(object);
    return rc;
}

// Whether all values were written: HDF5 reads zeros where they were not.
static bool is_written(hid_t dataset, const hsize_t chunk[HDF5_RANK_MAX], int chunk_rank, int rank, const hsize_t *dims)
{
    H5D_space_status_t written;
    hsize_t want = 1, have = 0;
    if (chunk_rank == 0) // not in chunks
        return H5Dget_space_status(dataset, &written) >= 0 && written == H5D_SPACE_STATUS_ALLOCATED;
    for (int i = 0; i < chunk_rank && i < rank; i++)
        want *= (dims[i] + chunk[i] - 1) / chunk[i];
    HDF5_HANDLE space = H5Dget_space(dataset);
    return space >= 0 && H5Dget_num_chunks(dataset, space, &have) >= 0 && have == want;
}

enum status hdf5_check_storage(hid_t dataset, int rank, const hsize_t *dims)
{
    hsize_t chunk[HDF5_RANK_MAX], chunk_values = 1;
    HDF5_HANDLE list = H5Dget_create_plist(dataset);
    const H5D_layout_t layout = list < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout(list);
    const int chunk_rank = layout == H5D_CHUNKED ? H5Pget_chunk(list, HDF5_RANK_MAX, chunk) : 0;
    for (int i = 0; i < chunk_rank && i < HDF5_RANK_MAX; i++)
        chunk_values = chunk[i] > CHUNK_VALUES_MAX / chunk_values ? CHUNK_VALUES_MAX + 1 : chunk_values * chunk[i];
    if (layout == H5D_LAYOUT_ERROR || chunk_rank < 0)
        return fail(STATUS_FORMAT, "%s", hdf5_reason());
    if (layout == H5D_VIRTUAL || H5Pget_external_count(list) != 0)
        return fail(STATUS_FORMAT, "its values lie in other files");
    if (chunk_values > CHUNK_VALUES_MAX)
        return fail(STATUS_LIMIT, "its chunks are larger than %llu values", (unsigned long long)CHUNK_VALUES_MAX);
    return is_written(dataset, chunk, chunk_rank, rank, dims) ? STATUS_OK : fail(STATUS_FORMAT, "some of its values were never written");
}
