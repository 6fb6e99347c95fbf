// SPDX-License-Identifier: MIT
#include "kernels/network/parameters.h"

#include <math.h>
#include <string.h>

#include "common/system/rng.h"

static size_t parameters_kernel_count(const struct network *network, int conv)
{
    const struct layer *layer = network_conv(network, conv);
    const int in = network->layers[layer->inputs[0]].channels;
    return (size_t)layer->channels * (size_t)in * (size_t)layer->kernel_h * (size_t)layer->kernel_w;
}

size_t parameters_kernel_start(const struct network *network, int conv)
{
    size_t start = 0;
    for (int i = 0; i < conv; i++)
        start += parameters_kernel_count(network, i) + (size_t)network_conv(network, i)->channels;
    return start;
}

const float *parameters_kernel(const struct network *network, const float *weights, int conv)
{
    return weights + parameters_kernel_start(network, conv);
}

const float *parameters_bias(const struct network *network, const float *weights, int conv)
{
    return parameters_kernel(network, weights, conv) + parameters_kernel_count(network, conv);
}

size_t parameters_features(const struct network *network)
{
    return (size_t)network->layers[network->layer_count - 1].channels;
}

size_t parameters_top_count(const struct network *network)
{
    return NETWORK_CLASSES_MAX * (parameters_features(network) + 1);
}

size_t parameters_top_kernel_start(const struct network *network)
{
    return parameters_kernel_start(network, network->conv_count);
}

const float *parameters_top_kernel(const struct network *network, const float *weights)
{
    return weights + parameters_top_kernel_start(network);
}

const float *parameters_top_bias(const struct network *network, const float *weights)
{
    return parameters_top_kernel(network, weights) + NETWORK_CLASSES_MAX * parameters_features(network);
}

size_t parameters_count(const struct network *network)
{
    return parameters_top_kernel_start(network) + parameters_top_count(network) + 1;
}

void parameters_randomise(const struct network *network, uint64_t seed, float *weights)
{
    for (int conv = 0; conv < network->conv_count; conv++) {
        const size_t channels = (size_t)network_conv(network, conv)->channels, fan_in = parameters_kernel_count(network, conv) / channels;
        float *kernel = weights + parameters_kernel_start(network, conv);
        const float deviation = sqrtf(2 / (float)fan_in);
        for (size_t c = 0; c < channels; c++)
            rng_normal(seed, (uint64_t)conv, 0, (int64_t)c, (int)fan_in, kernel + c * fan_in);
        for (size_t i = 0; i < channels * fan_in; i++)
            kernel[i] *= deviation;
        memset(kernel + channels * fan_in, 0, channels * sizeof *kernel);
    }
}

bool parameters_count_padding(const struct network *network, const float *weights)
{
    return weights[parameters_count(network) - 1] == 1;
}

void parameters_set_count_padding(const struct network *network, float *weights, bool counted)
{
    weights[parameters_count(network) - 1] = counted;
}
