// SPDX-License-Identifier: MIT
#include "weights/keras_reader.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hdf5/hdf5_attributes.h"
#include "common/hdf5/hdf5_datasets.h"
#include "common/hdf5/hdf5_file.h"
#include "weights/formats/hdf5_storage.h"

static const int64_t FILE_BYTES_MAX = (int64_t)1 << 30; // the largest official file has 96 MB

enum { TEXT_MAX = 511 }; // bytes of a name
#define KERAS3_TOP "dense"
static const struct hdf5_limits names_limits = {.count = 4096, .bytes = TEXT_MAX};

// A weight that a layer has.
struct weight {
    const char *name;
    struct keras_shape shape;
    hid_t dataset; // 0: not open
};

struct keras_reader {
    const struct network *network;
    hid_t file, root; // root: the group that holds the layers
    bool keras3;
    int classes; // 0: without the classifier
    struct weight top[KERAS_TOP_PARTS];
    char source[TEXT_MAX + 1];
    struct weight (*weights)[KERAS_PARTS]; // [conv_count]
    char (*layers)[2][64];                 // [conv_count] names in the file: the convolution, its normalisation
};

// Fills in what may vary.
static enum status check_shape(hid_t space, struct keras_shape *want)
{
    char want_text[64], have_text[64];
    hsize_t dims[4] = {0};
    struct keras_shape have = {.rank = H5Sget_simple_extent_ndims(space)};
    if (have.rank < 0 || have.rank > 4 || H5Sget_simple_extent_dims(space, dims, NULL) < 0)
        return fail(STATUS_FORMAT, "it has %d dimensions, InceptionV3's has %d; this is another network", have.rank, want->rank);
    bool same = have.rank == want->rank;
    for (int i = 0; i < have.rank; i++) {
        have.dims[i] = dims[i] < INT_MAX ? (int)dims[i] : INT_MAX;
        same = same &&
               (want->dims[i] == KERAS_CLASSES ? have.dims[i] >= 1 && have.dims[i] <= NETWORK_CLASSES_MAX : have.dims[i] == want->dims[i]);
    }
    keras_shape_text(&have, have_text);
    keras_shape_text(want, want_text);
    if (same) {
        *want = have;
        return STATUS_OK;
    }
    return fail(STATUS_FORMAT, "its shape is %s, InceptionV3's is %s; this is another network", have_text, want_text);
}

static enum status check_type_and_shape(hid_t dataset, struct keras_shape *shape)
{
    HDF5_HANDLE space = H5Dget_space(dataset);
    if (space < 0)
        return fail(STATUS_FORMAT, "%s", hdf5_reason());
    TRY(hdf5_check_float(dataset));
    return check_shape(space, shape);
}

static enum status check_storage(hid_t dataset, const struct keras_shape *shape)
{
    hsize_t dims[HDF5_RANK_MAX] = {0};
    for (int i = 0; i < shape->rank; i++)
        dims[i] = (hsize_t)shape->dims[i];
    return hdf5_storage_check(dataset, shape->rank, dims);
}

static enum status open_dataset(hid_t group, const char *name, struct weight *weight)
{
    TRY(hdf5_open_inside(group, name, H5I_DATASET, &weight->dataset));
    enum status rc = check_type_and_shape(weight->dataset, &weight->shape);
    if (rc == STATUS_OK)
        rc = check_storage(weight->dataset, &weight->shape);
    return fail_in(rc, "%s", weight->name);
}

static enum status open_weight(hid_t group, const char *name, struct weight *weights, int count)
{
    struct weight *weight = weights;
    while (weight < weights + count && !keras_is_called(name, weight->name))
        weight++;
    if (weight == weights + count || weight->dataset > 0)
        return fail(STATUS_FORMAT, "the weight %.100s is not expected; this is another network", name);
    return open_dataset(group, name, weight);
}

// Opens the weights of one layer and checks that they are these and nothing else.
static enum status open_layer(struct keras_reader *reader, const char *layer, struct weight *weights, int count)
{
    enum status rc;
    struct hdf5_texts names = {0};
    HDF5_HANDLE group = -1;
    TRY_OUT(hdf5_open_inside(reader->root, layer, H5I_GROUP, &group));
    TRY_OUT(hdf5_read_texts(group, "weight_names", &names_limits, &names));
    for (size_t i = 0; i < names.count; i++)
        TRY_OUT(open_weight(group, names.items[i], weights, count));
    for (int i = 0; i < count; i++)
        if (weights[i].dataset <= 0)
            TRY_OUT(fail(STATUS_FORMAT, "it has no %s; this is another network", weights[i].name));
out:
    hdf5_free_texts(&names);
    return fail_in(rc, "layer %s", layer);
}

// The same of Keras 3, whose weights are called 0, 1, ...
static enum status open_vars(struct keras_reader *reader, const char *layer, struct weight *weights, int count)
{
    char path[80], name[16];
    H5G_info_t info;
    enum status rc;
    HDF5_HANDLE group = -1;
    snprintf(path, sizeof path, "%s/vars", layer);
    TRY_OUT(hdf5_open_inside(reader->root, path, H5I_GROUP, &group));
    if (H5Gget_info(group, &info) < 0 || info.nlinks != (hsize_t)count)
        TRY_OUT(fail(STATUS_FORMAT, "it has not %d weights; this is another network", count));
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%d", i);
        TRY_OUT(open_dataset(group, name, &weights[i]));
    }
out:
    return fail_in(rc, "layer %s", layer);
}

// The two layers of a convolution.
static enum status open_conv(struct keras_reader *reader, int conv)
{
    enum status (*const open)(struct keras_reader *, const char *, struct weight *, int) = reader->keras3 ? open_vars : open_layer;
    struct weight *weights = reader->weights[conv];
    for (enum keras_part part = 0; part < KERAS_PARTS; part++)
        weights[part] = (struct weight){.name = keras_part_names[part], .shape = keras_shape(reader->network, conv, part)};
    TRY(open(reader, reader->layers[conv][0], weights, 1));
    return open(reader, reader->layers[conv][1], weights + 1, KERAS_PARTS - 1);
}

static enum status open_top(struct keras_reader *reader)
{
    struct weight *weights = reader->top;
    for (enum keras_top_part part = 0; part < KERAS_TOP_PARTS; part++)
        weights[part] = (struct weight){.name = keras_top_part_names[part], .shape = keras_top_shape(reader->network, part)};
    TRY(reader->keras3 ? open_vars(reader, KERAS3_TOP, weights, KERAS_TOP_PARTS) : open_layer(reader, KERAS_TOP, weights, KERAS_TOP_PARTS));
    reader->classes = weights[KERAS_TOP_KERNEL].shape.dims[1];
    if (weights[KERAS_TOP_BIAS].shape.dims[0] != reader->classes)
        return fail(STATUS_FORMAT, "layer %s: its kernel is for %d classes, its bias for %d", reader->keras3 ? KERAS3_TOP : KERAS_TOP,
                    reader->classes, weights[KERAS_TOP_BIAS].shape.dims[0]);
    return STATUS_OK;
}

// Sorts the layers called base_<number> into creation order. Their numbers are consecutive from whatever the first one is.
static enum status order_layers(struct keras_reader *reader, const struct hdf5_texts *names, const char *base, int kind)
{
    int first = -1, count = reader->network->conv_count;
    for (size_t i = 0; i < names->count; i++) {
        int number = keras_layer_number(names->items[i], base);
        if (number >= 0 && (first < 0 || number < first))
            first = number;
    }
    if (first < 0)
        return fail(STATUS_FORMAT, "it lists no layer %s_<number>; this is another network", base);
    for (size_t i = 0; i < names->count; i++) {
        int number = keras_layer_number(names->items[i], base);
        if (number < 0)
            continue;
        if (number - first >= count || reader->layers[number - first][kind][0])
            return fail(STATUS_FORMAT, "layer %s is one more than the %d of InceptionV3; this is another network", names->items[i], count);
        snprintf(reader->layers[number - first][kind], sizeof reader->layers[0][0], "%s", names->items[i]);
    }
    for (int i = 0; i < count; i++)
        if (!reader->layers[i][kind][0])
            return fail(STATUS_FORMAT, "layer %s_%d is missing; this is another network", base, first + i);
    return STATUS_OK;
}

static void read_source(struct keras_reader *reader)
{
    struct hdf5_texts source;
    if (hdf5_read_texts(reader->file, "oneiros_source", &names_limits, &source) != STATUS_OK)
        return; // other programs' files have none
    if (source.count > 0)
        snprintf(reader->source, sizeof reader->source, "%s", source.items[0]);
    for (char *c = reader->source; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    hdf5_free_texts(&source);
}

// Whether this group of the file holds the layers of Keras 3.
static bool find_keras3(struct keras_reader *reader, const char *path)
{
    if (hdf5_open_inside(reader->file, path, H5I_GROUP, &reader->root) != STATUS_OK)
        return false;
    reader->keras3 = H5Lexists(reader->root, KERAS_CONV, H5P_DEFAULT) > 0;
    if (!reader->keras3)
        hdf5_close(&reader->root);
    return reader->keras3;
}

static enum status open_keras3(struct keras_reader *reader)
{
    const int count = reader->network->conv_count;
    char extra[64];
    int *order;
    snprintf(extra, sizeof extra, KERAS_CONV "_%d", count);
    if (H5Lexists(reader->root, extra, H5P_DEFAULT) > 0)
        return fail(STATUS_FORMAT, "layer %s is one more than the %d of InceptionV3; this is another network", extra, count);
    TRY(ALLOCATE(order, count + 1, "for %d layers", count));
    keras_depth_order(reader->network, order);
    for (int k = 0; k < count; k++)
        for (int kind = 0; kind < 2; kind++) {
            char *name = reader->layers[order[k]][kind];
            snprintf(name, sizeof reader->layers[0][0], k ? "%s_%d" : "%s", kind ? KERAS_NORM : KERAS_CONV, k);
        }
    free(order);
    for (int conv = 0; conv < count; conv++)
        TRY(open_conv(reader, conv));
    // Several dense layers are somebody's own top.
    const bool has_top = H5Lexists(reader->root, KERAS3_TOP, H5P_DEFAULT) > 0 && H5Lexists(reader->root, KERAS3_TOP "_1", H5P_DEFAULT) <= 0;
    return has_top ? open_top(reader) : STATUS_OK;
}

// Whether Keras has written it: what else HDF5 files are is told by what those of this program say of themselves.
static enum status check_names(const struct keras_reader *reader)
{
    if (H5Aexists(reader->root, "layer_names") != 0)
        return STATUS_OK;
    return fail(STATUS_FORMAT, "an HDF5 file, but no weights of Keras: %s",
                H5Aexists(reader->file, "program") > 0          ? "a run file of oneiros"
                : H5Aexists(reader->file, "weights_sha256") > 0 ? "statistics of channels, which are found by themselves"
                                                                : "it has no attribute layer_names, and no layers of Keras 3");
}

static enum status open_layers(struct keras_reader *reader)
{
    static const char *const groups[] = {"layers", "_layer_checkpoint_dependencies", "layers/functional/layers"};
    enum status rc;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (find_keras3(reader, groups[i]))
            return open_keras3(reader);
    struct hdf5_texts names = {0};
    // A whole model may have been saved, not only its weights.
    const bool nested = H5Aexists(reader->file, "layer_names") == 0 && H5Lexists(reader->file, "model_weights", H5P_DEFAULT) > 0;
    if (nested)
        TRY_OUT(hdf5_open_inside(reader->file, "model_weights", H5I_GROUP, &reader->root));
    else if ((reader->root = H5Gopen2(reader->file, "/", H5P_DEFAULT)) < 0)
        TRY_OUT(fail(STATUS_FORMAT, "%s", hdf5_reason()));
    TRY_OUT(check_names(reader));
    TRY_OUT(hdf5_read_texts(reader->root, "layer_names", &names_limits, &names));
    bool has_top = false;
    for (size_t i = 0; i < names.count; i++)
        has_top |= strcmp(names.items[i], KERAS_TOP) == 0;
    TRY_OUT(order_layers(reader, &names, KERAS_CONV, 0));
    TRY_OUT(order_layers(reader, &names, KERAS_NORM, 1));
    for (int conv = 0; conv < reader->network->conv_count; conv++)
        TRY_OUT(open_conv(reader, conv));
    if (has_top)
        TRY_OUT(open_top(reader));
out:
    hdf5_free_texts(&names);
    return rc;
}

static enum status open_reader(struct keras_reader **result, const char *path, const void *bytes, size_t size,
                               const struct network *network)
{
    enum status rc;
    size_t count = (size_t)network->conv_count;
    TRY(ALLOCATE(*result, 1, "to read %s", path ? path : "a file"));
    struct keras_reader *reader = *result;
    reader->network = network;
    reader->file = reader->root = -1;
    hdf5_listen();
    TRY_OUT(ALLOCATE(reader->weights, count, "for %zu layers", count));
    TRY_OUT(ALLOCATE(reader->layers, count, "for %zu layers", count));
    TRY_OUT(path ? hdf5_open_file(path, FILE_BYTES_MAX, &reader->file) : hdf5_open_bytes(bytes, size, &reader->file));
    TRY_OUT(open_layers(reader));
    read_source(reader);
out:
    if (rc != STATUS_OK)
        keras_close(result);
    return rc;
}

enum status keras_open(struct keras_reader **reader, const char *path, const struct network *network)
{
    return open_reader(reader, path, NULL, 0, network);
}

enum status keras_open_bytes(struct keras_reader **reader, const void *bytes, size_t size, const struct network *network)
{
    return open_reader(reader, NULL, bytes, size, network);
}

void keras_close(struct keras_reader **pointer)
{
    struct keras_reader *reader = *pointer;
    if (!reader)
        return;
    for (int conv = 0; reader->weights && conv < reader->network->conv_count; conv++)
        for (enum keras_part part = 0; part < KERAS_PARTS; part++)
            hdf5_close(&reader->weights[conv][part].dataset);
    for (enum keras_top_part part = 0; part < KERAS_TOP_PARTS; part++)
        hdf5_close(&reader->top[part].dataset);
    hdf5_close(&reader->root);
    hdf5_close(&reader->file);
    free(reader->layers);
    free(reader->weights);
    free(reader);
    *pointer = NULL;
}

static enum status read_values(const struct weight *weight, float *values)
{
    if (H5Dread(weight->dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        return fail(STATUS_FORMAT, "%s cannot be read: %s", weight->name, hdf5_reason());
    return STATUS_OK;
}

enum status keras_read(struct keras_reader *reader, int conv, enum keras_part part, float *values)
{
    const struct weight *weight = &reader->weights[conv][part];
    enum status rc = read_values(weight, values);
    if (rc == STATUS_OK)
        rc = keras_check_values(part, values, keras_count(&weight->shape));
    return fail_in(rc, "layer %s", reader->layers[conv][part != KERAS_KERNEL]);
}

int keras_classes(const struct keras_reader *reader)
{
    return reader->classes;
}

enum status keras_read_top(struct keras_reader *reader, enum keras_top_part part, float *values)
{
    const struct weight *weight = &reader->top[part];
    enum status rc = read_values(weight, values);
    if (rc == STATUS_OK)
        rc = keras_check_finite(weight->name, values, keras_count(&weight->shape));
    return fail_in(rc, "layer %s", KERAS_TOP);
}

const char *keras_source(const struct keras_reader *reader)
{
    return reader->source;
}

// Our own files' names of the classes; NULL: it has none.
static enum status read_names(const struct keras_reader *reader, struct keras_model *model)
{
    HDF5_HANDLE dataset = -1, type = -1, space = -1;
    if (reader->classes == 0 || H5Lexists(reader->file, KERAS_CLASS_NAMES, H5P_DEFAULT) <= 0)
        return STATUS_OK;
    TRY(hdf5_open_inside(reader->file, KERAS_CLASS_NAMES, H5I_DATASET, &dataset));
    type = H5Dget_type(dataset);
    space = H5Dget_space(dataset);
    const hsize_t count = (hsize_t)reader->classes;
    if (type < 0 || H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0 || H5Tget_size(type) != CLASS_NAME_MAX || space < 0 ||
        H5Sget_simple_extent_ndims(space) != 1 || H5Sget_simple_extent_npoints(space) != reader->classes)
        return fail(STATUS_FORMAT, "%s: not a name of %d bytes for each of %d classes", KERAS_CLASS_NAMES, CLASS_NAME_MAX, reader->classes);
    TRY(fail_in(hdf5_storage_check(dataset, 1, &count), KERAS_CLASS_NAMES));
    char(*texts)[CLASS_NAME_MAX];
    struct class_names *names = model->names;
    TRY(ALLOCATE(texts, reader->classes, "for names of classes"));
    enum status rc = ALLOCATE(names, 1, "for names of classes");
    model->names = names;
    if (rc == STATUS_OK && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) < 0)
        rc = fail(STATUS_FORMAT, "%s cannot be read: %s", KERAS_CLASS_NAMES, hdf5_reason());
    for (int i = 0; i < reader->classes && rc == STATUS_OK; i++)
        rc = class_names_add(names, texts[i], strnlen(texts[i], CLASS_NAME_MAX));
    free(texts);
    return rc;
}

enum status keras_read_model(struct keras_reader *reader, struct keras_model *model)
{
    int counted = 0, normalised = 0;
    TRY(keras_model_create(model, reader->network));
    for (int conv = 0; conv < reader->network->conv_count; conv++)
        for (enum keras_part part = 0; part < KERAS_PARTS; part++)
            TRY(keras_read(reader, conv, part, model->convs[conv].parts[part]));
    if (reader->classes > 0)
        TRY(keras_model_add_top(model, reader->network, reader->classes));
    for (enum keras_top_part part = 0; part < KERAS_TOP_PARTS && reader->classes > 0; part++)
        TRY(keras_read_top(reader, part, model->top[part]));
    model->count_padding = hdf5_read_numbers(reader->file, KERAS_COUNT_PADDING, H5T_NATIVE_INT, 1, &counted) && counted == 1;
    model->normalised = hdf5_read_numbers(reader->file, KERAS_NORMALISED, H5T_NATIVE_INT, 1, &normalised) && normalised == 1;
    snprintf(model->source, sizeof model->source, "%s", reader->source);
    return read_names(reader, model);
}
