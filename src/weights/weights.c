// SPDX-License-Identifier: MIT
#include "weights/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/system/file.h"
#include "kernels/network/parameters.h"
#include "weights/keras_reader.h"

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
    for (size_t tap = 0; tap < taps; tap++)
        for (size_t i = 0; i < in; i++)
            for (size_t o = 0; o < out; o++)
                kernel[(o * in + i) * taps + tap] = (float)(values[(tap * in + i) * out + o] * scale[o]);
}

static enum status read_conv(struct keras_reader *reader, const struct network *network, int conv, float *scratch, float *weights)
{
    enum status rc = STATUS_OK;
    struct keras_shape shape = keras_shape(network, conv, KERAS_KERNEL);
    size_t out = keras_part_count(network, conv, KERAS_BETA), kernel_count = keras_count(&shape);
    float *kernel = weights + parameters_kernel_start(network, conv), *bias = kernel + kernel_count;
    float *beta = scratch + kernel_count, *mean = beta + out, *variance = mean + out;
    double *scale;
    TRY(ALLOCATE(scale, out, "for %zu channels", out));
    TRY_OUT(keras_read(reader, conv, KERAS_KERNEL, scratch));
    TRY_OUT(keras_read(reader, conv, KERAS_BETA, beta));
    TRY_OUT(keras_read(reader, conv, KERAS_MEAN, mean));
    TRY_OUT(keras_read(reader, conv, KERAS_VARIANCE, variance));
    for (size_t o = 0; o < out; o++) {
        scale[o] = 1.0 / sqrt(variance[o] + NORM_EPSILON);
        bias[o] = (float)(beta[o] - mean[o] * scale[o]);
    }
    fold_kernel(&shape, scratch, scale, kernel);
    // Finite values can still fold to infinity.
    rc = keras_check_values(KERAS_KERNEL, kernel, kernel_count + out);
    rc = fail_in(rc, "layer %s, folded", network->layers[network->convs[conv]].name);
out:
    free(scale);
    return rc;
}

static enum status read_top(struct keras_reader *reader, const struct network *network, float *scratch, float *weights)
{
    const size_t features = parameters_features(network), classes = (size_t)keras_classes(reader);
    float *kernel = weights + parameters_top_kernel_start(network), *bias = kernel + NETWORK_CLASSES_MAX * features;
    enum status rc = STATUS_OK;
    memset(kernel, 0, parameters_top_count(network) * sizeof *kernel);
    if (classes == 0)
        return rc;
    TRY(keras_read_top(reader, KERAS_TOP_KERNEL, scratch));
    for (size_t f = 0; f < features; f++)
        for (size_t c = 0; c < classes; c++)
            kernel[c * features + f] = scratch[f * classes + c];
    return keras_read_top(reader, KERAS_TOP_BIAS, bias);
}

static enum status fill_info(const char *path, const struct keras_reader *reader, struct weights_info *info)
{
    struct stat status;
    memset(info, 0, sizeof *info); // it travels as bytes
    TRY(file_md5(path, info->md5));
    if (stat(path, &status) != 0)
        return fail(STATUS_IO, "%s: %m", path);
    info->bytes = (uint64_t)status.st_size;
    info->classes = keras_classes(reader);
    snprintf(info->path, sizeof info->path, "%s", path);
    snprintf(info->source, sizeof info->source, "%s", keras_source(reader)[0] ? keras_source(reader) : "unknown");
    for (size_t i = 0; i < sizeof official / sizeof official[0]; i++)
        if (strcmp(info->md5, official[i].md5) == 0)
            snprintf(info->source, sizeof info->source, "%s", official[i].source);
    return STATUS_OK;
}

enum status weights_read(const char *path, const struct network *network, float *weights, struct weights_info *info)
{
    enum status rc;
    struct keras_reader *reader = NULL;
    size_t largest = parameters_top_count(network);
    for (int conv = 0; conv < network->conv_count; conv++) {
        size_t count = keras_part_count(network, conv, KERAS_KERNEL) + 3 * keras_part_count(network, conv, KERAS_BETA);
        largest = count > largest ? count : largest;
    }
    float *scratch;
    TRY(ALLOCATE(scratch, largest, "for %zu weights", largest));
    TRY_OUT(keras_open(&reader, path, network));
    for (int conv = 0; conv < network->conv_count; conv++)
        TRY_OUT(fail_in(read_conv(reader, network, conv, scratch, weights), "%s", path));
    TRY_OUT(fail_in(read_top(reader, network, scratch, weights), "%s", path));
    if (info)
        TRY_OUT(fill_info(path, reader, info));
out:
    keras_close(&reader);
    free(scratch);
    return rc;
}
