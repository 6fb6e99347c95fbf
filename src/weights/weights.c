// SPDX-License-Identifier: MIT
#include "weights/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/system/file.h"
#include "kernels/network/parameters.h"
#include "weights/model_file.h"

static const double NORM_EPSILON = 1e-3; // Keras InceptionV3's, which is not the default of its layer

static const struct {
    const char *md5, *source;
} official[] = {
    {"bcbd6486424b2319ff4ef7d526e38f63", "keras-applications inception_v3, ImageNet, without top (Apache-2.0)"},
    {"9a0d58056eeedaa3f26cb7ebd46da564", "keras-applications inception_v3, ImageNet, with top (Apache-2.0)"},
};

// (kernel_h, kernel_w, in, out) -> (out, in, kernel_h, kernel_w), each output channel times its scale.
static void fold_kernel(const struct keras_shape *shape, const float *values, const double *scale, float *kernel)
{
    size_t taps = (size_t)shape->dims[0] * (size_t)shape->dims[1], in = (size_t)shape->dims[2], out = (size_t)shape->dims[3];
    enum { BLOCK = 16 }; // output channels: a line of the cache of `values`, each of which is read once
    for (size_t start = 0; start < out; start += BLOCK)
        for (size_t i = 0; i < in; i++)
            for (size_t o = start; o < start + BLOCK && o < out; o++)
                for (size_t tap = 0; tap < taps; tap++)
                    kernel[(o * in + i) * taps + tap] = (float)(values[(tap * in + i) * out + o] * scale[o]);
}

static enum status fold_conv(const struct network *network, int conv, const struct keras_values *values, float *weights)
{
    enum status rc = STATUS_OK;
    struct keras_shape shape = keras_shape(network, conv, KERAS_KERNEL);
    size_t out = keras_part_count(network, conv, KERAS_BETA), kernel_count = keras_count(&shape);
    float *kernel = weights + parameters_kernel_start(network, conv), *bias = kernel + kernel_count;
    double *scale;
    TRY(ALLOCATE(scale, out, "for %zu channels", out));
    for (size_t o = 0; o < out; o++) {
        scale[o] = 1.0 / sqrt(values->parts[KERAS_VARIANCE][o] + NORM_EPSILON);
        bias[o] = (float)(values->parts[KERAS_BETA][o] - values->parts[KERAS_MEAN][o] * scale[o]);
    }
    fold_kernel(&shape, values->parts[KERAS_KERNEL], scale, kernel);
    free(scale);
    // Finite values can still fold to infinity.
    rc = keras_check_values(KERAS_KERNEL, kernel, kernel_count + out);
    return fail_in(rc, "layer %s, folded", network->layers[network->convs[conv]].name);
}

static void place_top(const struct network *network, const struct keras_model *model, float *weights)
{
    const size_t features = parameters_features(network), classes = (size_t)model->classes;
    float *kernel = weights + parameters_top_kernel_start(network), *bias = kernel + NETWORK_CLASSES_MAX * features;
    memset(kernel, 0, parameters_top_count(network) * sizeof *kernel);
    for (size_t f = 0; f < features; f++)
        for (size_t c = 0; c < classes; c++)
            kernel[c * features + f] = model->top[KERAS_TOP_KERNEL][f * classes + c];
    for (size_t c = 0; c < classes; c++)
        bias[c] = model->top[KERAS_TOP_BIAS][c];
}

static enum status fill_info(const char *path, const struct keras_model *model, struct weights_info *info)
{
    struct stat status;
    memset(info, 0, sizeof *info); // it travels as bytes
    TRY(file_md5(path, info->md5));
    if (stat(path, &status) != 0)
        return fail(STATUS_IO, "%s: %m", path);
    info->bytes = (uint64_t)status.st_size;
    info->classes = model->classes;
    info->count_padding = model->count_padding;
    info->normalised = model->normalised;
    if (model->names)
        info->names = *model->names;
    snprintf(info->path, sizeof info->path, "%s", path);
    snprintf(info->source, sizeof info->source, "%s", model->source[0] ? model->source : "unknown");
    for (size_t i = 0; i < sizeof official / sizeof official[0]; i++)
        if (strcmp(info->md5, official[i].md5) == 0)
            snprintf(info->source, sizeof info->source, "%s", official[i].source);
    return STATUS_OK;
}

enum status weights_read(const char *path, const struct network *network, float *weights, struct weights_info *info)
{
    enum status rc;
    struct keras_model model = {0};
    TRY_OUT(model_file_read(path, network, &model));
    for (int conv = 0; conv < network->conv_count; conv++)
        TRY_OUT(fail_in(fold_conv(network, conv, &model.convs[conv], weights), "%s", path));
    place_top(network, &model, weights);
    parameters_set_count_padding(network, weights, model.count_padding);
    if (info)
        TRY_OUT(fill_info(path, &model, info));
out:
    keras_model_free(&model);
    return rc;
}

enum status weights_choose_class(const struct weights_info *info, struct config *config)
{
    int number = 0;
    if (config->objective != OBJECTIVE_CLASS)
        return STATUS_OK;
    TRY(class_names_find(&info->names, info->classes, config->class, &number));
    snprintf(config->class, sizeof config->class, "%d", number);
    return STATUS_OK;
}

void weights_class_text(const struct weights_info *info, const struct config *config, char text[WEIGHTS_CLASS_MAX])
{
    const int class = atoi(config->class);
    text[0] = '\0';
    if (config->objective == OBJECTIVE_CLASS)
        snprintf(text, WEIGHTS_CLASS_MAX, class < info->names.count ? "%d: %s" : "%d", class,
                 info->names.names[class < info->names.count ? class : 0]);
}
