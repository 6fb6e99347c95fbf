// SPDX-License-Identifier: MIT
#include "weights/keras_layout.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/huge_pages.h"

const char *const keras_part_names[KERAS_PARTS] = {"kernel", "beta", "moving_mean", "moving_variance"};
const char *const keras_top_part_names[KERAS_TOP_PARTS] = {"kernel", "bias"};

struct keras_shape keras_shape(const struct network *network, int conv, enum keras_part part)
{
    const struct layer *layer = &network->layers[network->convs[conv]];
    if (part != KERAS_KERNEL)
        return (struct keras_shape){.rank = 1, .dims = {layer->channels}};
    int in = network->layers[layer->inputs[0]].channels;
    return (struct keras_shape){.rank = 4, .dims = {layer->kernel_h, layer->kernel_w, in, layer->channels}};
}

struct keras_shape keras_top_shape(const struct network *network, enum keras_top_part part)
{
    if (part == KERAS_TOP_BIAS)
        return (struct keras_shape){.rank = 1, .dims = {KERAS_CLASSES}};
    return (struct keras_shape){.rank = 2, .dims = {network->layers[network->layer_count - 1].channels, KERAS_CLASSES}};
}

size_t keras_count(const struct keras_shape *shape)
{
    size_t count = 1;
    for (int i = 0; i < shape->rank; i++)
        count *= (size_t)shape->dims[i];
    return count;
}

size_t keras_part_count(const struct network *network, int conv, enum keras_part part)
{
    const struct keras_shape shape = keras_shape(network, conv, part);
    return keras_count(&shape);
}

struct keras_values *keras_values_create(const struct network *network)
{
    const size_t convs = (size_t)network->conv_count;
    size_t total = 0;
    for (int conv = 0; conv < network->conv_count; conv++)
        for (enum keras_part part = 0; part < KERAS_PARTS; part++)
            total += keras_part_count(network, conv, part);
    struct keras_values *values = huge_pages_alloc(convs * sizeof *values + total * sizeof(float));
    float *at = values ? (float *)(values + convs) : NULL;
    for (int conv = 0; values && conv < network->conv_count; conv++)
        for (enum keras_part part = 0; part < KERAS_PARTS; part++) {
            values[conv].parts[part] = at;
            at += keras_part_count(network, conv, part);
        }
    return values;
}

void keras_shape_text(const struct keras_shape *shape, char text[64])
{
    size_t used = 0;
    snprintf(text, 64, "%s", shape->rank < 0 ? "of many dimensions" : "of a single value");
    for (int i = 0; i < shape->rank && used < 64; i++) {
        const bool any = shape->dims[i] == KERAS_CLASSES;
        used += (size_t)snprintf(text + used, 64 - used, "%s%s%d", i > 0 ? " x " : "", any ? "1..." : "",
                                 any ? NETWORK_CLASSES_MAX : shape->dims[i]);
    }
}

bool keras_is_called(const char *weight_name, const char *part_name)
{
    const char *slash = strrchr(weight_name, '/');
    const char *last = slash ? slash + 1 : weight_name;
    size_t length = strlen(last);
    if (length > 2 && strcmp(last + length - 2, ":0") == 0)
        length -= 2;
    return strlen(part_name) == length && strncmp(last, part_name, length) == 0;
}

int keras_part_find(const char *weight_name)
{
    for (int part = 0; part < KERAS_PARTS; part++)
        if (keras_is_called(weight_name, keras_part_names[part]))
            return part;
    return -1;
}

int keras_layer_number(const char *name, const char *base)
{
    size_t length = strlen(base);
    if (strncmp(name, base, length) != 0)
        return -1;
    if (name[length] == '\0')
        return 0;
    const char *digits = name + length + 1;
    size_t count = strspn(digits, "0123456789");
    if (name[length] != '_' || count < 1 || count > 6 || digits[count] != '\0')
        return -1;
    return atoi(digits);
}

enum status keras_check_finite(const char *name, const float *values, size_t count)
{
    bool finite = true;
    for (size_t i = 0; i < count; i++) // of all first: without a way out it is a vector's loop
        finite &= isfinite(values[i]) != 0;
    for (size_t i = 0; i < count && !finite; i++)
        if (!isfinite(values[i]))
            return fail(STATUS_FORMAT, "%s: value %zu is not finite", name, i);
    return STATUS_OK;
}

enum status keras_check_values(enum keras_part part, const float *values, size_t count)
{
    for (size_t i = 0; part == KERAS_VARIANCE && i < count; i++)
        if (values[i] < 0.0f)
            return fail(STATUS_FORMAT, "%s: value %zu is negative", keras_part_names[part], i);
    return keras_check_finite(keras_part_names[part], values, count);
}

enum status keras_model_create(struct keras_model *model, const struct network *network)
{
    model->convs = keras_values_create(network);
    return model->convs ? STATUS_OK : no_memory("for the weights of %d convolutions", network->conv_count);
}

enum status keras_model_add_top(struct keras_model *model, const struct network *network, int classes)
{
    const size_t features = (size_t)network->layers[network->layer_count - 1].channels;
    model->classes = classes;
    TRY(ALLOCATE(model->top[KERAS_TOP_KERNEL], features * (size_t)classes, "for a classifier"));
    return ALLOCATE(model->top[KERAS_TOP_BIAS], classes, "for a classifier");
}

size_t keras_model_count(const struct keras_model *model, const struct network *network)
{
    size_t count = ((size_t)network->layers[network->layer_count - 1].channels + 1) * (size_t)model->classes;
    for (int conv = 0; conv < network->conv_count; conv++)
        for (enum keras_part part = 0; part < KERAS_PARTS; part++)
            count += keras_part_count(network, conv, part);
    return count;
}

void keras_model_free(struct keras_model *model)
{
    free(model->convs);
    for (enum keras_top_part part = 0; part < KERAS_TOP_PARTS; part++)
        free(model->top[part]);
    free(model->names);
    *model = (struct keras_model){0};
}

enum status keras_model_name_classes(struct keras_model *model, const struct class_names *names)
{
    const int skipped = names->count == NETWORK_CLASSES_MAX + 1 && model->classes == NETWORK_CLASSES_MAX;
    if (model->classes == 0)
        return fail(STATUS_FORMAT, "there are names of classes, but no classifier (the top)");
    if (names->count - skipped != model->classes)
        return fail(STATUS_FORMAT, "there are %d names of classes, and the classifier is for %d", names->count, model->classes);
    free(model->names);
    TRY(ALLOCATE(model->names, 1, "for names of classes"));
    model->names->count = model->classes;
    memcpy(model->names->names, names->names + skipped, (size_t)model->classes * sizeof names->names[0]);
    return STATUS_OK;
}

// k ((s + 1) / 2 - m) / d = k / (2 d) s + k (1 / 2 - m) / d for pictures s of -1..1: the latter goes into the mean.
void keras_model_normalise(struct keras_model *model, const struct network *network, const double mean[3], const double deviation[3])
{
    const struct keras_shape shape = keras_shape(network, 0, KERAS_KERNEL);
    const int taps = shape.dims[0] * shape.dims[1], out = shape.dims[3];
    for (int o = 0; o < out; o++) {
        double shift = 0;
        for (int t = 0; t < taps; t++)
            for (int c = 0; c < 3; c++) {
                float *weight = &model->convs[0].parts[KERAS_KERNEL][((size_t)t * 3 + (size_t)c) * (size_t)out + (size_t)o];
                shift += *weight * (0.5 - mean[c]) / deviation[c];
                *weight = (float)(*weight * 0.5 / deviation[c]);
            }
        model->convs[0].parts[KERAS_MEAN][o] = (float)(model->convs[0].parts[KERAS_MEAN][o] - shift);
    }
}

// In preorder, from this row towards the picture.
static void walk(const struct network *network, int row, int *place, int *count)
{
    if (place[row] > 0)
        return;
    place[row] = ++*count;
    for (int k = 0; k < network->layers[row].input_count; k++)
        walk(network, network->layers[row].inputs[k], place, count);
}

void keras_depth_order(const struct network *network, int *order)
{
    enum { ROWS_MAX = 256 };
    int place[ROWS_MAX] = {0}, depth[ROWS_MAX] = {0}, count = 0;
    assert(network->layer_count <= ROWS_MAX);
    walk(network, network->layer_count - 1, place, &count);
    for (int row = network->layer_count - 1; row >= 0; row--) {
        const struct layer *layer = &network->layers[row];
        depth[row] += layer->kind == LAYER_CONV ? 2 : 0; // convolution, normalisation and activation are three layers
        for (int k = 0; k < layer->input_count; k++)
            if (depth[layer->inputs[k]] < depth[row] + 1)
                depth[layer->inputs[k]] = depth[row] + 1;
    }
    for (int conv = 0; conv < network->conv_count; conv++) {
        const int row = network->convs[conv];
        int at = conv;
        for (; at > 0; at--) {
            const int before = network->convs[order[at - 1]];
            if (depth[before] > depth[row] || (depth[before] == depth[row] && place[before] < place[row]))
                break;
            order[at] = order[at - 1];
        }
        order[at] = conv;
    }
}
