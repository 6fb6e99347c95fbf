// SPDX-License-Identifier: MIT
// A full-size weights file of made-up numbers in the test's own folder, and ways to change copies of it.
#pragma once

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/file.h"
#include "hdf5_look.h"
#include "kernels/network/parameters.h"
#include "scratch.h"
#include "unit.h"
#include "weights/keras_writer.h"
#include "weights/weights.h"

enum { FIXTURE_NAME = 64 }; // bytes of a name in a list

struct fixture {
    char path[FILE_PATH_MAX];
    struct keras_values *values; // what the file holds
};

static inline float fixture_number(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / (float)(1 << 24); // [0, 1)
}

static inline void fixture_fill_values(struct fixture *fixture, uint32_t seed)
{
    const struct network *network = network_inception_v3();
    fixture->values = keras_values_create(network);
    CU_ASSERT_FATAL(fixture->values != NULL);
    for (int conv = 0; conv < network->conv_count; conv++)
        for (enum keras_part part = 0; part < KERAS_PARTS; part++)
            for (size_t i = 0; i < keras_part_count(network, conv, part); i++)
                fixture->values[conv].parts[part][i] = part == KERAS_VARIANCE ? fixture_number(&seed) : fixture_number(&seed) - 0.5f;
}

static inline void fixture_create(struct fixture *fixture)
{
    CU_ASSERT_FATAL(scratch_create());
    fixture_fill_values(fixture, 1);
    UNIT_OK(file_join(fixture->path, scratch, "base.h5"));
    UNIT_OK(keras_write(fixture->path, network_inception_v3(),
                        &(struct keras_model){.convs = fixture->values, .source = "made up for a test"}));
}

static inline void fixture_destroy(struct fixture *fixture)
{
    scratch_remove();
    free(fixture->values);
}

// A copy of the file, called `name`.
static inline void fixture_copy(const struct fixture *fixture, const char *name, char path[FILE_PATH_MAX])
{
    UNIT_OK(file_join(path, scratch, name));
    int from = open(fixture->path, O_RDONLY | O_CLOEXEC), to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CU_ASSERT_FATAL(from >= 0 && to >= 0);
    ssize_t count;
    while ((count = copy_file_range(from, NULL, to, NULL, (size_t)1 << 30, 0)) > 0)
        continue;
    CU_ASSERT_EQUAL_FATAL(count, 0);
    close(from);
    close(to);
}

// Replaces an attribute by `count` strings of `size` bytes, in fixed or variable length.
static inline void fixture_set_strings(hid_t object, const char *name, const char *strings, size_t size, hsize_t count, int variable)
{
    const char **pointers = calloc(count + 1, sizeof *pointers);
    HDF5_HANDLE type = H5Tcopy(H5T_C_S1);
    HDF5_HANDLE space = H5Screate_simple(1, &count, NULL);
    H5Tset_size(type, variable ? H5T_VARIABLE : size);
    if (H5Aexists(object, name) > 0)
        H5Adelete(object, name);
    HDF5_HANDLE attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    CU_ASSERT_FATAL(attribute >= 0 && pointers != NULL);
    for (hsize_t i = 0; i < count; i++)
        pointers[i] = strings + i * size;
    CU_ASSERT_FATAL(H5Awrite(attribute, type, variable ? (const void *)pointers : strings) >= 0);
    free(pointers);
}

// Replaces a dataset by one of another type, shape or property list; values NULL: written nowhere.
static inline void fixture_set_dataset(hid_t file, const char *path, hid_t type, int rank, const hsize_t *dims, hid_t list,
                                       const float *values)
{
    CU_ASSERT_FATAL(H5Ldelete(file, path, H5P_DEFAULT) >= 0);
    HDF5_HANDLE space = H5Screate_simple(rank, dims, NULL);
    HDF5_HANDLE dataset = H5Dcreate2(file, path, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    CU_ASSERT_FATAL(dataset >= 0);
    if (values)
        CU_ASSERT_FATAL(H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
}

// Names of FIXTURE_NAME bytes each.
static inline void fixture_set_weight_names(hid_t file, const char *layer, const char *names, hsize_t count)
{
    HDF5_HANDLE group = H5Gopen2(file, layer, H5P_DEFAULT);
    fixture_set_strings(group, "weight_names", names, FIXTURE_NAME, count, 0);
}

// Lists all layers but conv2d_<skip>, and `extra` unless it is NULL.
static inline void fixture_list_layers(hid_t group, int skip, const char *extra)
{
    static char names[2 * 94 + 1][FIXTURE_NAME];
    hsize_t count = 0;
    memset(names, 0, sizeof names);
    for (int i = 1; i <= 94; i++) {
        if (i != skip)
            snprintf(names[count++], FIXTURE_NAME, KERAS_CONV "_%d", i);
        snprintf(names[count++], FIXTURE_NAME, KERAS_NORM "_%d", i);
    }
    if (extra)
        snprintf(names[count++], FIXTURE_NAME, "%s", extra);
    fixture_set_strings(group, "layer_names", names[0], FIXTURE_NAME, count, 0);
}
