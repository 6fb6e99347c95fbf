// SPDX-License-Identifier: MIT
#include "weights/keras_writer.h"

#include <stdlib.h>
#include <string.h>

#include "common/hdf5/hdf5_attributes.h"
#include "common/hdf5/hdf5_file.h"
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
    HDF5_HANDLE type = H5Tcopy(H5T_C_S1);
    HDF5_HANDLE space = count > 0 ? H5Screate_simple(1, &count, NULL) : H5Screate(H5S_SCALAR);
    if (type < 0 || space < 0 || H5Tset_size(type, size) < 0 || H5Tset_strpad(type, H5T_STR_NULLPAD) < 0)
        return refuse(name);
    HDF5_HANDLE attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    return attribute < 0 || H5Awrite(attribute, type, bytes) < 0 ? refuse(name) : STATUS_OK;
}

static enum status write_values(hid_t group, const struct lists *lists, const char *name, const struct keras_shape *shape,
                                const float *values)
{
    hsize_t dims[4];
    for (int i = 0; i < shape->rank; i++)
        dims[i] = (hsize_t)shape->dims[i];
    HDF5_HANDLE space = H5Screate_simple(shape->rank, dims, NULL);
    HDF5_HANDLE dataset = space < 0 ? -1 : H5Dcreate2(group, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, lists->dataset, H5P_DEFAULT);
    if (dataset < 0 || H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        return refuse(name);
    return STATUS_OK;
}

// What goes into one layer.
struct part {
    const char *name;
    struct keras_shape shape;
    const float *values;
};

// One Keras layer: group /<layer>, its attribute weight_names, and the datasets /<layer>/<layer>/<part>:0.
static enum status write_layer(hid_t file, const struct lists *lists, const char *layer, const struct part *parts, int count)
{
    char names[KERAS_PARTS][NAME_SIZE] = {{0}};
    HDF5_HANDLE outer = H5Gcreate2(file, layer, H5P_DEFAULT, lists->group, H5P_DEFAULT);
    HDF5_HANDLE inner = outer < 0 ? -1 : H5Gcreate2(outer, layer, H5P_DEFAULT, lists->group, H5P_DEFAULT);
    if (inner < 0)
        return refuse(layer);
    for (int i = 0; i < count; i++) {
        char name[NAME_SIZE];
        snprintf(name, sizeof name, "%s:0", parts[i].name);
        snprintf(names[i], NAME_SIZE, "%s/%s", layer, name);
        TRY(write_values(inner, lists, name, &parts[i].shape, parts[i].values));
    }
    return write_strings(outer, "weight_names", names[0], NAME_SIZE, (hsize_t)count);
}

static enum status write_conv(hid_t file, const struct lists *lists, const struct network *network, int conv,
                              const struct keras_model *model, char names[2][NAME_SIZE])
{
    struct part parts[KERAS_PARTS];
    for (enum keras_part part = 0; part < KERAS_PARTS; part++)
        parts[part] = (struct part){keras_part_names[part], keras_shape(network, conv, part), model->convs[conv].parts[part]};
    snprintf(names[0], NAME_SIZE, KERAS_CONV "_%d", conv + 1);
    snprintf(names[1], NAME_SIZE, KERAS_NORM "_%d", conv + 1);
    TRY(write_layer(file, lists, names[0], parts, 1));
    return write_layer(file, lists, names[1], parts + 1, KERAS_PARTS - 1);
}

static enum status write_top(hid_t file, const struct lists *lists, const struct network *network, const struct keras_model *model)
{
    struct part parts[KERAS_TOP_PARTS];
    for (enum keras_top_part part = 0; part < KERAS_TOP_PARTS; part++) {
        parts[part] = (struct part){keras_top_part_names[part], keras_top_shape(network, part), model->top[part]};
        parts[part].shape.dims[parts[part].shape.rank - 1] = model->classes;
    }
    return write_layer(file, lists, KERAS_TOP, parts, KERAS_TOP_PARTS);
}

// Texts of one length.
static enum status write_names(hid_t file, const struct lists *lists, const struct class_names *names)
{
    const hsize_t count = (hsize_t)names->count;
    HDF5_HANDLE type = hdf5_text_type(CLASS_NAME_MAX);
    HDF5_HANDLE space = H5Screate_simple(1, &count, NULL);
    HDF5_HANDLE dataset =
        type < 0 || space < 0 ? -1 : H5Dcreate2(file, KERAS_CLASS_NAMES, type, space, H5P_DEFAULT, lists->dataset, H5P_DEFAULT);
    return dataset < 0 || H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, names->names) < 0 ? refuse(KERAS_CLASS_NAMES) : STATUS_OK;
}

static enum status write_all(hid_t file, const struct lists *lists, const struct network *network, const struct keras_model *model)
{
    enum status rc;
    size_t count = 2 * (size_t)network->conv_count;
    char(*names)[NAME_SIZE];
    TRY(ALLOCATE(names, count + 1, "for the names of %zu layers", count));
    for (int conv = 0; conv < network->conv_count; conv++)
        TRY_OUT(write_conv(file, lists, network, conv, model, &names[2 * conv]));
    if (model->classes > 0) {
        TRY_OUT(write_top(file, lists, network, model));
        strcpy(names[count++], KERAS_TOP);
    }
    if (model->names)
        TRY_OUT(write_names(file, lists, model->names));
    TRY_OUT(write_strings(file, "layer_names", names[0], NAME_SIZE, count));
    TRY_OUT(write_strings(file, "backend", "tensorflow", strlen("tensorflow"), 0));
    TRY_OUT(write_strings(file, "keras_version", "2.2.4", strlen("2.2.4"), 0));
    TRY_OUT(write_strings(file, "oneiros_source", model->source, strlen(model->source) + 1, 0));
    if (model->count_padding && hdf5_set_integer(file, KERAS_COUNT_PADDING, 1) < 0)
        rc = refuse(KERAS_COUNT_PADDING);
    if (model->normalised && hdf5_set_integer(file, KERAS_NORMALISED, 1) < 0)
        rc = refuse(KERAS_NORMALISED);
out:
    free(names);
    return rc;
}

// HDF5 fills the file by its name; closing writes what it still holds.
static enum status write_file(const char *path, const struct network *network, const struct keras_model *model)
{
    HDF5_HANDLE groups = H5Pcreate(H5P_GROUP_CREATE);
    HDF5_HANDLE datasets = H5Pcreate(H5P_DATASET_CREATE);
    if (groups < 0 || datasets < 0 || H5Pset_obj_track_times(groups, false) < 0 || H5Pset_obj_track_times(datasets, false) < 0)
        return fail(STATUS_INTERNAL, "hdf5 has no property lists");
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (file < 0)
        return refuse(path);
    const enum status rc = write_all(file, &(struct lists){groups, datasets}, network, model);
    return H5Fclose(file) < 0 && rc == STATUS_OK ? refuse(path) : rc;
}

enum status keras_write(const char *path, const struct network *network, const struct keras_model *model)
{
    enum status rc;
    struct file_writer writer = {0};
    hdf5_listen();
    TRY_OUT(file_create(&writer, path)); // owns the name and the fsync
    TRY_OUT(write_file(writer.aside, network, model));
    rc = file_commit(&writer);
out:
    file_abandon(&writer);
    return fail_in(rc, "%s", path);
}
