// SPDX-License-Identifier: MIT
#include "weights/keras_writer.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/file.h"

enum { NAME_SIZE = 64 };

// Property lists that leave times out, so that the bytes depend on the values alone.
struct lists {
    hid_t group, dataset;
};

static enum status refuse(const char *what)
{
    return fail(STATUS_IO, "hdf5 could not write %s: check the free space", what);
}

// A root or group attribute: one string, or `count` strings of NAME_SIZE bytes in a row.
static enum status write_strings(hid_t object, const char *name, const char *bytes, size_t size, hsize_t count)
{
    enum status rc = STATUS_OK;
    hid_t type = H5Tcopy(H5T_C_S1);
    hid_t space = count > 0 ? H5Screate_simple(1, &count, NULL) : H5Screate(H5S_SCALAR);
    hid_t attribute = -1;
    if (type < 0 || space < 0 || H5Tset_size(type, size) < 0 || H5Tset_strpad(type, H5T_STR_NULLPAD) < 0)
        rc = refuse(name);
    if (rc == STATUS_OK && (attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT)) < 0)
        rc = refuse(name);
    if (rc == STATUS_OK && H5Awrite(attribute, type, bytes) < 0)
        rc = refuse(name);
    if (attribute >= 0)
        H5Aclose(attribute);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    return rc;
}

static enum status write_values(hid_t group, const struct lists *lists, const char *name, const struct keras_shape *shape,
                                const float *values)
{
    hsize_t dims[4];
    for (int i = 0; i < shape->rank; i++)
        dims[i] = (hsize_t)shape->dims[i];
    enum status rc = STATUS_OK;
    hid_t space = H5Screate_simple(shape->rank, dims, NULL);
    hid_t dataset = space < 0 ? -1 : H5Dcreate2(group, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, lists->dataset, H5P_DEFAULT);
    if (dataset < 0 || H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        rc = refuse(name);
    if (dataset >= 0)
        H5Dclose(dataset);
    if (space >= 0)
        H5Sclose(space);
    return rc;
}

// One Keras layer: group /<layer>, its attribute weight_names, and the datasets /<layer>/<layer>/<part>:0.
static enum status write_layer(hid_t file, const struct lists *lists, const struct network *network, int conv, const char *layer,
                               enum keras_part first, enum keras_part last, const struct keras_values *values)
{
    enum status rc = STATUS_OK;
    char names[KERAS_PARTS][NAME_SIZE] = {{0}};
    hid_t inner = -1;
    hid_t outer = H5Gcreate2(file, layer, H5P_DEFAULT, lists->group, H5P_DEFAULT);
    if (outer < 0 || (inner = H5Gcreate2(outer, layer, H5P_DEFAULT, lists->group, H5P_DEFAULT)) < 0) {
        rc = refuse(layer);
        goto out;
    }
    for (enum keras_part part = first; part <= last; part++) {
        struct keras_shape shape = keras_shape(network, conv, part);
        char name[NAME_SIZE];
        snprintf(name, sizeof name, "%s:0", keras_part_name(part));
        snprintf(names[part - first], NAME_SIZE, "%s/%s", layer, name);
        TRY_OUT(write_values(inner, lists, name, &shape, values[conv].parts[part]));
    }
    TRY_OUT(write_strings(outer, "weight_names", names[0], NAME_SIZE, (hsize_t)(last - first + 1)));
out:
    if (inner >= 0)
        H5Gclose(inner);
    if (outer >= 0)
        H5Gclose(outer);
    return rc;
}

static enum status write_all(hid_t file, const struct lists *lists, const struct network *network, const struct keras_values *values,
                             const char *source)
{
    enum status rc = STATUS_OK;
    size_t count = 2 * (size_t)network->conv_count;
    char(*names)[NAME_SIZE] = calloc(count, NAME_SIZE);
    if (!names)
        return fail(STATUS_LIMIT, "no memory for the names of %zu layers", count);
    for (int conv = 0; conv < network->conv_count; conv++) {
        char *kernel = names[2 * conv], *norm = names[2 * conv + 1];
        snprintf(kernel, NAME_SIZE, KERAS_CONV "_%d", conv + 1);
        snprintf(norm, NAME_SIZE, KERAS_NORM "_%d", conv + 1);
        TRY_OUT(write_layer(file, lists, network, conv, kernel, KERAS_KERNEL, KERAS_KERNEL, values));
        TRY_OUT(write_layer(file, lists, network, conv, norm, KERAS_BETA, KERAS_VARIANCE, values));
    }
    TRY_OUT(write_strings(file, "layer_names", names[0], NAME_SIZE, count));
    TRY_OUT(write_strings(file, "backend", "tensorflow", strlen("tensorflow"), 0));
    TRY_OUT(write_strings(file, "keras_version", "2.2.4", strlen("2.2.4"), 0));
    TRY_OUT(write_strings(file, "oneiros_source", source, strlen(source) + 1, 0));
out:
    free(names);
    return rc;
}

enum status keras_write(const char *path, const struct network *network, const struct keras_values *values, const char *source)
{
    enum status rc;
    struct file_writer writer = {0};
    struct lists lists = {.group = H5Pcreate(H5P_GROUP_CREATE), .dataset = H5Pcreate(H5P_DATASET_CREATE)};
    hid_t file = -1;
    H5E_auto2_t report;
    void *report_data;
    H5Eget_auto2(H5E_DEFAULT, &report, &report_data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    if (lists.group < 0 || lists.dataset < 0 || H5Pset_obj_track_times(lists.group, false) < 0 ||
        H5Pset_obj_track_times(lists.dataset, false) < 0) {
        rc = fail(STATUS_INTERNAL, "hdf5 has no property lists");
        goto out;
    }
    // The writer owns the name and the fsync; HDF5 fills the same file by its name.
    TRY_OUT(file_create(&writer, path));
    file = H5Fcreate(writer.aside, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (file < 0) {
        rc = refuse(writer.aside);
        goto out;
    }
    TRY_OUT(write_all(file, &lists, network, values, source));
    herr_t closed = H5Fclose(file); // writes what HDF5 still holds
    file = -1;
    if (closed < 0) {
        rc = refuse(writer.aside);
        goto out;
    }
    TRY_OUT(file_commit(&writer));
out:
    if (file >= 0)
        H5Fclose(file);
    file_abandon(&writer);
    if (lists.dataset >= 0)
        H5Pclose(lists.dataset);
    if (lists.group >= 0)
        H5Pclose(lists.group);
    H5Eset_auto2(H5E_DEFAULT, report, report_data);
    return rc == STATUS_OK ? rc : fail_in(rc, "%s", path);
}
