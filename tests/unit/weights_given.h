// SPDX-License-Identifier: MIT
// Weights for tests: random ones, and the trained ones that `oneiros model fetch` left on this machine.
#pragma once

#include "kernels/network/parameters.h"
#include "naive.h"
#include "weights/model_fetch.h"
#include "weights/weights.h"

// The flat array of weights.h, drawn so that activations neither vanish nor grow with depth (He et al. 2015, arXiv:1502.01852).
static inline float *weights_random(const struct network *network, uint32_t seed)
{
    float *weights = naive_alloc(parameters_count(network) * sizeof *weights);
    for (int i = 0; i < network->conv_count; i++) {
        const struct layer *layer = &network->layers[network->convs[i]];
        const size_t in = naive_count(network->layers[layer->inputs[0]].channels, layer->kernel_h, layer->kernel_w);
        const size_t out = (size_t)layer->channels;
        float *kernel = weights + (parameters_kernel(network, weights, i) - weights), *bias = kernel + in * out;
        naive_fill(kernel, in * out, seed + (uint32_t)i);
        naive_fill(bias, out, seed + 1000 + (uint32_t)i);
        for (size_t k = 0; k < in * out; k++)
            kernel[k] *= sqrtf(6.0f / (float)in);
        for (size_t k = 0; k < out; k++)
            bias[k] *= 0.1f;
    }
    float *top = weights + (parameters_top_kernel(network, weights) - weights);
    naive_fill(top, parameters_count(network) - (size_t)(top - weights), seed + 2000);
    return weights;
}

// The trained weights: the file in ONEIROS_MODEL_PATH, as for the program, or else the one in its default place.
static inline float *weights_real(const struct network *network)
{
    char path[FILE_PATH_MAX];
    const char *chosen = getenv("ONEIROS_MODEL_PATH");
    if (chosen)
        snprintf(path, sizeof path, "%s", chosen);
    else
        UNIT_OK(model_default_path(path));
    float *weights = naive_alloc(parameters_count(network) * sizeof *weights);
    UNIT_OK(weights_read(path, network, weights, NULL));
    return weights;
}
