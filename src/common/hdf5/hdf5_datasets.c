// SPDX-License-Identifier: MIT
#include "common/hdf5/hdf5_datasets.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/hdf5/hdf5_file.h"

enum { TEXT_MAX = 511 }; // bytes of a path

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
    enum { GROWTH = 1 << 16 };
    HDF5_HANDLE access = H5Pcreate(H5P_FILE_ACCESS);
    *file = -1;
    if (access < 0 || H5Pset_fapl_core(access, GROWTH, false) < 0)
        return fail(STATUS_INTERNAL, "hdf5 has no property lists");
    if (size > 0 && H5Pset_file_image(access, (void *)bytes, size) < 0) // copies them
        return no_memory("for %zu bytes", size);
    *file = size > 0 ? H5Fopen("bytes", H5F_ACC_RDONLY, access) : -1;
    return *file < 0 ? fail(STATUS_FORMAT, "not a whole HDF5 file: %s", size > 0 ? hdf5_reason() : "it is empty") : STATUS_OK;
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
