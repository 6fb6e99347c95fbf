// SPDX-License-Identifier: MIT
#include "weights/torch_layout.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/network/parameters.h"

enum { MODULE_MAX = 2 * STORED_NAME_MAX };

// The modules of convolutions in Keras's order of creation: those of each block behind its name.
static const struct {
    const char *name;
    const char *convs[11]; // "": the block is one itself
} blocks[] = {
#define BLOCK_A "branch1x1", "branch5x5_1", "branch5x5_2", "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3", "branch_pool"
#define BLOCK_C                                                                                                                            \
    "branch1x1", "branch7x7_1", "branch7x7_2", "branch7x7_3", "branch7x7dbl_1", "branch7x7dbl_2", "branch7x7dbl_3", "branch7x7dbl_4",      \
        "branch7x7dbl_5", "branch_pool"
#define BLOCK_E                                                                                                                            \
    "branch1x1", "branch3x3_1", "branch3x3_2a", "branch3x3_2b", "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3a", "branch3x3dbl_3b",  \
        "branch_pool"
    {"Conv2d_1a_3x3", {""}},
    {"Conv2d_2a_3x3", {""}},
    {"Conv2d_2b_3x3", {""}},
    {"Conv2d_3b_1x1", {""}},
    {"Conv2d_4a_3x3", {""}},
    {"Mixed_5b", {BLOCK_A}},
    {"Mixed_5c", {BLOCK_A}},
    {"Mixed_5d", {BLOCK_A}},
    {"Mixed_6a", {"branch3x3", "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"}},
    {"Mixed_6b", {BLOCK_C}},
    {"Mixed_6c", {BLOCK_C}},
    {"Mixed_6d", {BLOCK_C}},
    {"Mixed_6e", {BLOCK_C}},
    {"Mixed_7a", {"branch3x3_1", "branch3x3_2", "branch7x7x3_1", "branch7x7x3_2", "branch7x7x3_3", "branch7x7x3_4"}},
    {"Mixed_7b", {BLOCK_E}},
    {"Mixed_7c", {BLOCK_E}},
};

struct reading {
    const struct stored_tensors *tensors;
    const struct network *network;
    struct keras_model *model;
    char prefix[STORED_NAME_MAX]; // before all names, as DataParallel's "module."
    bool *taken;                  // [tensors->count]
    float *scratch;
};

static void module_of(int conv, char name[MODULE_MAX])
{
    for (size_t b = 0; b < sizeof blocks / sizeof blocks[0]; b++)
        for (const char *const *own = blocks[b].convs; *own; own++)
            if (conv-- == 0)
                snprintf(name, MODULE_MAX, "%s%s%s", blocks[b].name, **own ? "." : "", *own);
}

// What comes before the names, which may be nothing.
static enum status find_prefix(struct reading *r)
{
    static const char first[] = "Conv2d_1a_3x3.conv.weight";
    for (size_t i = 0; i < r->tensors->count; i++) {
        const char *name = r->tensors->items[i].name, *found = strstr(name, first);
        if (found && strcmp(found, first) == 0) {
            memcpy(r->prefix, name, (size_t)(found - name));
            return STATUS_OK;
        }
    }
    return fail(STATUS_FORMAT, "it has no tensor %s; this is another network", first);
}

// The tensor <module>.<part>, NULL where there is none, which is taken from now on.
static const struct stored_tensor *find(struct reading *r, const char *module, const char *part)
{
    char name[3 * STORED_NAME_MAX];
    snprintf(name, sizeof name, "%s%s.%s", r->prefix, module, part);
    const struct stored_tensor *tensor = stored_tensors_find(r->tensors, name);
    if (tensor)
        r->taken[tensor - r->tensors->items] = true;
    return tensor;
}

// The values of <module>.<part>, which must have the shape, into `values`; where `shape` has KERAS_CLASSES, as many as there are.
static enum status take(struct reading *r, const char *module, const char *part, struct keras_shape *shape, float *values)
{
    char want[64], have[64];
    const struct stored_tensor *tensor = find(r, module, part);
    if (!tensor)
        return fail(STATUS_FORMAT, "%s.%s is missing; this is another network", module, part);
    struct keras_shape own = {.rank = tensor->rank};
    bool same = tensor->rank == shape->rank;
    for (int i = 0; i < tensor->rank; i++) {
        own.dims[i] = tensor->dims[i] < INT_MAX ? (int)tensor->dims[i] : INT_MAX;
        same = same && (own.dims[i] == shape->dims[i] ||
                        (shape->dims[i] == KERAS_CLASSES && own.dims[i] >= 1 && own.dims[i] <= NETWORK_CLASSES_MAX + 1));
    }
    if (!same) {
        keras_shape_text(shape, want);
        keras_shape_text(&own, have);
        return fail(STATUS_FORMAT, "%s: shape %s, InceptionV3 has %s; this is another network", tensor->name, have, want);
    }
    if (tensor->type == STORED_OTHER)
        return fail(STATUS_FORMAT, "%s: not of a floating type", tensor->name);
    *shape = own;
    stored_tensor_read(tensor, values);
    return fail_in(keras_check_finite("values", values, keras_count(shape)), "%s", tensor->name);
}

// gamma ((k x - mean) / s) + beta = (gamma k x - gamma mean) / s + beta
static enum status take_conv(struct reading *r, int conv)
{
    static const char *const parts[] = {"conv.weight", "bn.bias", "bn.running_mean", "bn.running_var"};
    float **values = r->model->convs[conv].parts;
    const struct keras_shape kernel = keras_shape(r->network, conv, KERAS_KERNEL);
    const int taps = kernel.dims[0] * kernel.dims[1], in = kernel.dims[2], out = kernel.dims[3];
    struct keras_shape own = {.rank = 4, .dims = {out, in, kernel.dims[0], kernel.dims[1]}}, channels = {.rank = 1, .dims = {out}};
    char module[MODULE_MAX] = "";
    float *gamma = r->scratch + keras_count(&kernel);
    module_of(conv, module);
    TRY(take(r, module, parts[KERAS_KERNEL], &own, r->scratch));
    for (enum keras_part part = KERAS_BETA; part < KERAS_PARTS; part++)
        TRY(take(r, module, parts[part], &channels, values[part]));
    TRY(fail_in(keras_check_values(KERAS_VARIANCE, values[KERAS_VARIANCE], (size_t)out), "%s", module));
    TRY(take(r, module, "bn.weight", &channels, gamma));
    for (int o = 0; o < out; o++) {
        values[KERAS_MEAN][o] *= gamma[o];
        for (int i = 0; i < in; i++)
            for (int t = 0; t < taps; t++)
                values[KERAS_KERNEL][((size_t)t * in + i) * out + o] = r->scratch[((size_t)o * in + i) * taps + t] * gamma[o];
    }
    return STATUS_OK;
}

// (classes, features) -> (features, classes)
static enum status take_top(struct reading *r)
{
    struct keras_shape kernel = {.rank = 2, .dims = {KERAS_CLASSES, (int)parameters_features(r->network)}};
    struct keras_shape bias = {.rank = 1, .dims = {KERAS_CLASSES}};
    const int features = kernel.dims[1];
    float *biases = r->scratch + (size_t)(NETWORK_CLASSES_MAX + 1) * (size_t)features;
    if (!find(r, "fc", "weight"))
        return STATUS_OK;
    TRY(take(r, "fc", "weight", &kernel, r->scratch));
    TRY(take(r, "fc", "bias", &bias, biases));
    if (kernel.dims[0] != bias.dims[0])
        return fail(STATUS_FORMAT, "fc: its weight is for %d classes, its bias for %d", kernel.dims[0], bias.dims[0]);
    const int skipped = kernel.dims[0] == NETWORK_CLASSES_MAX + 1, classes = kernel.dims[0] - skipped;
    TRY(keras_model_add_top(r->model, r->network, classes));
    for (int c = 0; c < classes; c++) {
        r->model->top[KERAS_TOP_BIAS][c] = biases[c + skipped];
        for (int f = 0; f < features; f++)
            r->model->top[KERAS_TOP_KERNEL][(size_t)f * classes + c] = r->scratch[(size_t)(c + skipped) * features + f];
    }
    return STATUS_OK;
}

static enum status check_rest(const struct reading *r)
{
    static const char counter[] = ".num_batches_tracked";
    for (size_t i = 0; i < r->tensors->count; i++) {
        const char *name = r->tensors->items[i].name, *own = name + strlen(r->prefix);
        const bool ours = strncmp(name, r->prefix, strlen(r->prefix)) == 0, aux = ours && strncmp(own, "AuxLogits.", 10) == 0;
        const size_t length = strlen(name);
        const bool counts = length >= sizeof counter && strcmp(name + length - (sizeof counter - 1), counter) == 0;
        if (!r->taken[i] && !aux && !counts)
            return fail(STATUS_FORMAT, "InceptionV3 has no tensor %s; this is another network", name);
    }
    return STATUS_OK;
}

enum status torch_layout_model(const struct stored_tensors *tensors, const struct network *network, struct keras_model *model)
{
    struct reading r = {.tensors = tensors, .network = network, .model = model};
    size_t largest = (NETWORK_CLASSES_MAX + 1) * (parameters_features(network) + 1);
    enum status rc;
    for (int conv = 0; conv < network->conv_count; conv++) {
        const size_t count = keras_part_count(network, conv, KERAS_KERNEL) + keras_part_count(network, conv, KERAS_BETA);
        largest = count > largest ? count : largest;
    }
    TRY(find_prefix(&r));
    TRY_OUT(ALLOCATE(r.taken, tensors->count + 1, "for %zu tensors", tensors->count));
    TRY_OUT(ALLOCATE(r.scratch, largest, "for %zu weights", largest));
    TRY_OUT(keras_model_create(model, network));
    model->count_padding = true;
    for (int conv = 0; conv < network->conv_count; conv++)
        TRY_OUT(take_conv(&r, conv));
    TRY_OUT(take_top(&r));
    TRY_OUT(check_rest(&r));
    if (tensors->classes)
        TRY_OUT(keras_model_name_classes(model, tensors->classes));
out:
    free(r.taken);
    free(r.scratch);
    return rc;
}
