// SPDX-License-Identifier: MIT
// What the tests of reading weights share: a file, room for what is in it, and copies that are changed.
#pragma once

#include "weights_fixture.h"

static struct fixture fixture;
static float *weights;

static inline void test_set_up(void)
{
    weights = malloc(parameters_count(network_inception_v3()) * sizeof *weights);
    CU_ASSERT_PTR_NOT_NULL_FATAL(weights);
    fixture_create(&fixture);
}

static inline void test_clean_up(void)
{
    fixture_destroy(&fixture);
    free(weights);
}

static inline enum status read_weights(const char *path)
{
    return weights_read(path, network_inception_v3(), weights, NULL);
}

// Changes a copy.
static inline void fixture_change(char path[FILE_PATH_MAX], void (*change)(hid_t file))
{
    fixture_copy(&fixture, "changed.h5", path);
    hdf5_change(path, change);
}

// Changes a copy, and expects the status and both texts and the path in its message.
static inline void check_refused(void (*change)(hid_t file), enum status want, const char *first, const char *second)
{
    char path[FILE_PATH_MAX];
    fixture_change(path, change);
    const enum status rc = read_weights(path);
    CU_ASSERT_EQUAL(rc, want);
    int named = strstr(status_message(), first) && strstr(status_message(), second) && strstr(status_message(), path);
    CU_ASSERT(named);
    if (rc != want || !named)
        printf("\n  status %d: %s\n", (int)rc, status_message());
    remove(path);
}

// As Keras saves a whole model: all layers, and `extra`, in a group.
static inline void fixture_nest(hid_t file, const char *extra)
{
    HDF5_HANDLE group = H5Gcreate2(file, "model_weights", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    for (int i = 0; i <= 2 * 94; i++) {
        char name[FIXTURE_NAME];
        snprintf(name, sizeof name, i % 2 ? KERAS_NORM "_%d" : KERAS_CONV "_%d", i / 2 + 1);
        if (i == 2 * 94)
            snprintf(name, sizeof name, "%s", extra);
        if (i < 2 * 94 || H5Lexists(file, extra, H5P_DEFAULT) > 0)
            CU_ASSERT_FATAL(H5Lmove(file, name, group, name, H5P_DEFAULT, H5P_DEFAULT) >= 0);
    }
    H5Adelete(file, "layer_names");
    fixture_list_layers(group, 0, extra);
}
