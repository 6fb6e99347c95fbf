// SPDX-License-Identifier: MIT
#include "weights/keras_layout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    struct keras_values *values = malloc(convs * sizeof *values + total * sizeof(float));
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
    for (size_t i = 0; i < count; i++)
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
