// SPDX-License-Identifier: MIT
// How tests look into HDF5 files, and change them.
#pragma once

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/hdf5/hdf5_file.h"
#include "unit.h"

// A number in an attribute; NaN: there is none.
static inline double hdf5_number(hid_t file, const char *object, const char *name)
{
    double value = NAN;
    HDF5_HANDLE attribute = H5Aopen_by_name(file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    return attribute >= 0 && H5Aread(attribute, H5T_NATIVE_DOUBLE, &value) >= 0 ? value : NAN;
}

// Text of variable length in UTF-8, malloc'ed; NULL: there is none.
static inline char *hdf5_text(hid_t file, const char *object, const char *name)
{
    char *value = NULL, *text = NULL;
    HDF5_HANDLE attribute = H5Aopen_by_name(file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    HDF5_HANDLE type = attribute < 0 ? -1 : H5Aget_type(attribute);
    HDF5_HANDLE space = attribute < 0 ? -1 : H5Aget_space(attribute);
    if (type >= 0 && H5Tget_cset(type) == H5T_CSET_UTF8 && H5Aread(attribute, type, &value) >= 0) {
        text = strdup(value);
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, &value);
    }
    return text;
}

static inline bool hdf5_has_text(hid_t file, const char *object, const char *name, const char *wanted)
{
    char *text = hdf5_text(file, object, name);
    const bool same = text && strcmp(text, wanted) == 0;
    free(text);
    return same;
}

// All of a dataset of up to three dimensions, as it is in the file or as `type`, malloc'ed; NULL: it cannot be read.
static inline void *hdf5_values(hid_t file, const char *path, hid_t type, hsize_t size[3])
{
    HDF5_HANDLE dataset = H5Dopen2(file, path, H5P_DEFAULT);
    HDF5_HANDLE space = dataset < 0 ? -1 : H5Dget_space(dataset);
    HDF5_HANDLE own = dataset < 0 ? -1 : H5Dget_type(dataset);
    size[0] = size[1] = size[2] = 1;
    if (space < 0 || H5Sget_simple_extent_ndims(space) > 3 || H5Sget_simple_extent_dims(space, size, NULL) < 0)
        return NULL;
    void *values = calloc(size[0] * size[1] * size[2] + 1, H5Tget_size(type < 0 ? own : type));
    if (values && H5Dread(dataset, type < 0 ? own : type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
        free(values);
        return NULL;
    }
    return values;
}

static inline void hdf5_change(const char *path, void (*change)(hid_t file))
{
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    CU_ASSERT_FATAL(file >= 0);
    change(file);
    CU_ASSERT_FATAL(H5Fclose(file) >= 0);
}

// Replaces the values of a dataset of floats.
static inline void hdf5_set_values(hid_t file, const char *path, const float *values)
{
    HDF5_HANDLE dataset = H5Dopen2(file, path, H5P_DEFAULT);
    CU_ASSERT_FATAL(H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
}
