// SPDX-License-Identifier: MIT
// What the programs that answer the PyTorch oracle's files share: its HDF5 files, and an end with a message where anything fails.
#pragma once

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/config/config.h"
#include "common/system/status.h"
#include "kernels/network/parameters.h"
#include "weights/weights.h"

enum { DUMP_TEXT_MAX = 512 };

static inline void dump_need(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "%s failed\n", what);
    exit(1);
}
#define DUMP_HDF5(call) dump_need((call) >= 0, #call)

static inline void dump_need_status(enum status rc, const char *call)
{
    if (rc != STATUS_OK)
        fprintf(stderr, "%s\n", status_message());
    dump_need(rc == STATUS_OK, call);
}
#define DUMP_OK(call) dump_need_status((call), #call)

// An attribute of the root, a string or a number, as the text after `key`= in a configuration.
static inline void dump_set(struct config *config, const char *key, hid_t file, const char *attribute)
{
    char setting[DUMP_TEXT_MAX];
    hid_t attr = H5Aopen(file, attribute, H5P_DEFAULT), type;
    DUMP_HDF5(attr);
    DUMP_HDF5(type = H5Aget_type(attr));
    if (H5Tget_class(type) == H5T_STRING) {
        char *text = NULL;
        DUMP_HDF5(H5Aread(attr, type, &text)); // of variable length, as h5py writes it
        snprintf(setting, sizeof setting, "%s=%s", key, text);
        H5free_memory(text);
    } else {
        double value;
        DUMP_HDF5(H5Aread(attr, H5T_NATIVE_DOUBLE, &value));
        snprintf(setting, sizeof setting, "%s=%.17g", key, value);
    }
    DUMP_OK(config_set(config, setting));
    DUMP_HDF5(H5Tclose(type));
    DUMP_HDF5(H5Aclose(attr));
}

// /image, (3, height, width); malloc'ed.
static inline float *dump_read_image(hid_t file, int *width, int *height)
{
    hsize_t dims[3] = {0};
    hid_t set = H5Dopen2(file, "image", H5P_DEFAULT), space;
    DUMP_HDF5(set);
    DUMP_HDF5(space = H5Dget_space(set));
    dump_need(H5Sget_simple_extent_ndims(space) == 3 && H5Sget_simple_extent_dims(space, dims, NULL) == 3 && dims[0] == 3,
              "shape of /image");
    float *image = malloc(3 * dims[1] * dims[2] * sizeof *image);
    dump_need(image != NULL, "malloc");
    DUMP_HDF5(H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, image));
    DUMP_HDF5(H5Sclose(space));
    DUMP_HDF5(H5Dclose(set));
    *height = (int)dims[1];
    *width = (int)dims[2];
    return image;
}

static inline void dump_write(hid_t file, const char *name, int rank, const hsize_t *dims, hid_t type, const void *values)
{
    hid_t space, links, set;
    DUMP_HDF5(space = H5Screate_simple(rank, dims, NULL)); // of rank 0: one value
    DUMP_HDF5(links = H5Pcreate(H5P_LINK_CREATE));
    DUMP_HDF5(H5Pset_create_intermediate_group(links, 1));
    DUMP_HDF5(set = H5Dcreate2(file, name, type, space, links, H5P_DEFAULT, H5P_DEFAULT));
    DUMP_HDF5(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
    DUMP_HDF5(H5Dclose(set));
    DUMP_HDF5(H5Pclose(links));
    DUMP_HDF5(H5Sclose(space));
}

static inline void dump_write_planes(hid_t file, const char *name, int planes, int height, int width, const float *values)
{
    const hsize_t dims[3] = {(hsize_t)planes, (hsize_t)height, (hsize_t)width};
    dump_write(file, name, 3, dims, H5T_NATIVE_FLOAT, values);
}

static inline float *dump_read_weights(const char *path)
{
    const struct network *network = network_inception_v3();
    float *weights = malloc(parameters_count(network) * sizeof *weights);
    dump_need(weights != NULL, "malloc");
    DUMP_OK(weights_read(path, network, weights, NULL));
    return weights;
}
