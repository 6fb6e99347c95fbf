// SPDX-License-Identifier: MIT
// The whole network, layer by layer, by the loops of naive.h: every activation and every gradient is kept.
#pragma once

#include "kernels/execution/executor.h"
#include "kernels/network/network.h"
#include "kernels/network/parameters.h"
#include "naive.h"
#include "weights/weights.h"

enum { NAIVE_LAYERS_MAX = 160 };

struct naive_network {
    const struct network *network;
    const float *weights;
    int height[NAIVE_LAYERS_MAX], width[NAIVE_LAYERS_MAX];
    float *activation[NAIVE_LAYERS_MAX]; // (channels, height, width); NULL beyond the last layer asked for
    float *gradient[NAIVE_LAYERS_MAX];   // with respect to the activation, before the layer's own ReLU
    int last;                            // row of the last layer
};

static inline size_t naive_layer_count(const struct naive_network *n, int layer)
{
    return naive_count(n->network->layers[layer].channels, n->height[layer], n->width[layer]);
}

static inline struct onednn_shape naive_layer_shape(const struct naive_network *n, int i)
{
    const struct layer *layer = &n->network->layers[i];
    const int in = layer->inputs[0];
    return (struct onednn_shape){.src_channels = n->network->layers[in].channels,
                                 .src_h = n->height[in],
                                 .src_w = n->width[in],
                                 .dst_channels = layer->channels,
                                 .dst_h = n->height[i],
                                 .dst_w = n->width[i],
                                 .kernel_h = layer->kernel_h,
                                 .kernel_w = layer->kernel_w,
                                 .stride = layer->stride,
                                 .pad_h = layer->same ? layer->kernel_h / 2 : 0,
                                 .pad_w = layer->same ? layer->kernel_w / 2 : 0};
}

static inline void naive_layer_forward(struct naive_network *n, int i)
{
    const struct layer *layer = &n->network->layers[i];
    const struct onednn_shape s = naive_layer_shape(n, i);
    const float *in = n->activation[layer->inputs[0]];
    const size_t count = naive_layer_count(n, i), plane = (size_t)s.dst_h * (size_t)s.dst_w;
    double *sum = calloc(count, sizeof *sum);
    float *next = n->activation[i];
    if (layer->kind == LAYER_CONV)
        naive_conv(&s, in, parameters_kernel(n->network, n->weights, layer->conv), sum);
    else if (layer->kind == LAYER_MAX_POOL)
        naive_max_pool(&s, in, sum);
    else if (layer->kind == LAYER_AVG_POOL)
        naive_avg_pool(&s, in, sum);
    for (size_t k = 0; layer->kind == LAYER_CONV && k < count; k++)
        sum[k] = fmax(0, sum[k] + parameters_bias(n->network, n->weights, layer->conv)[k / plane]);
    for (size_t k = 0; k < count; k++)
        next[k] = (float)sum[k];
    for (int k = 0; layer->kind == LAYER_CONCAT && k < layer->input_count; k++) {
        memcpy(next, n->activation[layer->inputs[k]], naive_layer_count(n, layer->inputs[k]) * sizeof *next);
        next += naive_layer_count(n, layer->inputs[k]);
    }
    free(sum);
}

// Forward to the layer `last`.
static inline void naive_network_create(struct naive_network *n, const struct network *network, const float *weights, const float *image,
                                        int width, int height, int last)
{
    *n = (struct naive_network){.network = network, .weights = weights, .last = last, .height = {height}, .width = {width}};
    for (int i = 0; i <= last; i++) {
        const struct layer *layer = &network->layers[i];
        if (i > 0) {
            n->height[i] = layer_output_size(layer, layer->kernel_h, n->height[layer->inputs[0]]);
            n->width[i] = layer_output_size(layer, layer->kernel_w, n->width[layer->inputs[0]]);
        }
        n->activation[i] = naive_alloc(naive_layer_count(n, i) * sizeof(float));
        n->gradient[i] = naive_alloc(naive_layer_count(n, i) * sizeof(float));
        if (i > 0)
            naive_layer_forward(n, i);
        else
            memcpy(n->activation[0], image, naive_layer_count(n, 0) * sizeof(float));
    }
}

static inline void naive_network_destroy(struct naive_network *n)
{
    for (int i = 0; i <= n->last; i++) {
        free(n->activation[i]);
        free(n->gradient[i]);
    }
}

static inline void naive_layer_backward(struct naive_network *n, int i, enum gradient_mode mode, float leak)
{
    const struct layer *layer = &n->network->layers[i];
    const struct onednn_shape s = naive_layer_shape(n, i);
    const int input = layer->inputs[0];
    const size_t count = naive_layer_count(n, input);
    double *sum = calloc(count, sizeof *sum);
    float *const whole = naive_alloc(naive_layer_count(n, i) * sizeof *whole), *g = whole;
    memcpy(g, n->gradient[i], naive_layer_count(n, i) * sizeof *g);
    for (size_t k = 0; layer->kind == LAYER_CONV && k < naive_layer_count(n, i); k++)
        if (mode != GRADIENT_MODE_DECONV && !(n->activation[i][k] > 0))
            g[k] = 0;
        else if (mode != GRADIENT_MODE_PLAIN && g[k] < 0)
            g[k] *= leak;
    if (layer->kind == LAYER_CONV)
        naive_conv_backward(&s, g, parameters_kernel(n->network, n->weights, layer->conv), sum);
    else if (layer->kind == LAYER_MAX_POOL)
        naive_max_pool_backward(&s, n->activation[input], g, sum);
    else if (layer->kind == LAYER_AVG_POOL)
        naive_avg_pool_backward(&s, g, sum);
    for (size_t k = 0; k < count; k++)
        n->gradient[input][k] += (float)sum[k];
    for (int p = 0; layer->kind == LAYER_CONCAT && p < layer->input_count; p++)
        for (size_t k = 0; k < naive_layer_count(n, layer->inputs[p]); k++)
            n->gradient[layer->inputs[p]][k] += *g++;
    free(whole);
    free(sum);
}

// Gradient of sum over targets of weight * mean(A^2) into gradient[0].
static inline void naive_network_backward(struct naive_network *n, int target_count, const int *targets, const double *weights,
                                          struct gradient_rule rule)
{
    for (int i = 0; i <= n->last; i++)
        memset(n->gradient[i], 0, naive_layer_count(n, i) * sizeof(float));
    for (int i = n->last; i > 0; i--) {
        for (int t = 0; t < target_count; t++)
            for (size_t k = 0; targets[t] == i && k < naive_layer_count(n, i); k++)
                n->gradient[i][k] += (float)(2 * weights[t] * n->activation[i][k] / (double)naive_layer_count(n, i));
        naive_layer_backward(n, i, i > rule.above ? rule.mode : GRADIENT_MODE_PLAIN, rule.leak);
    }
}
