// SPDX-License-Identifier: MIT
// Convolutions of the network with random weights and data, and what plain loops make of them.
#pragma once

#include "blocks.h"
#include "kernels/convolution/convolution.h"
#include "kernels/network/parameters.h"
#include "weights_given.h"

static const struct network *network;
static float *weights;
static struct weight_cache *cache;

static inline void begin(void)
{
    network = network_inception_v3();
    if (!weights)
        weights = weights_random(network, 1); // and kept
    UNIT_OK(weight_cache_create(&cache, network, weights));
}

static inline void end(void)
{
    weight_cache_destroy(&cache);
    CU_ASSERT_PTR_NULL(cache);
}

// The number of conv2d_N in creation order.
#define CONV2D(number) ((number)-1)

// Which tensors are bfloat16, as struct conv_spec has it.
enum type { FLOAT = 0, SRC_BF16 = 1, DST_BF16 = 2, BF16 = 3 };

// Which weights are rounded to bfloat16.
enum rounded { ROUNDED_NONE, ROUNDED_CENTRE, ROUNDED_ALL, ROUNDINGS };

// What a convolution reads, and what plain loops make of it.
struct sample {
    struct conv_spec spec;
    int source_count, result_count; // forward the results are those of the parts, backward the sources
    struct blocks sources[CONV_PARTS_MAX];
    int result_channels[CONV_PARTS_MAX];
    size_t result_positions;
    double *exact[ROUNDINGS][CONV_PARTS_MAX]; // planar
};

static inline struct onednn_shape shape_of(int conv, const int size[2])
{
    const struct layer *layer = &network->layers[network->convs[conv]];
    return (struct onednn_shape){.src_channels = network->layers[layer->inputs[0]].channels,
                                 .src_h = size[0],
                                 .src_w = size[1],
                                 .dst_channels = layer->channels,
                                 .dst_h = layer_output_size(layer, layer->kernel_h, size[0]),
                                 .dst_w = layer_output_size(layer, layer->kernel_w, size[1]),
                                 .kernel_h = layer->kernel_h,
                                 .kernel_w = layer->kernel_w,
                                 .stride = layer->stride,
                                 .pad_h = layer->same ? (layer->kernel_h - 1) / 2 : 0,
                                 .pad_w = layer->same ? (layer->kernel_w - 1) / 2 : 0};
}

static inline struct conv_spec spec_of(const int *convs, int count, const int size[2], bool backward, enum type type)
{
    struct conv_spec spec = {.shape = shape_of(convs[0], size), .backward = backward, .part_count = count};
    spec.src_bf16 = type & SRC_BF16;
    spec.dst_bf16 = type & DST_BF16;
    spec.image = network->layers[network->convs[convs[0]]].inputs[0] == 0;
    spec.shape.dst_channels = 0;
    for (int p = 0; p < count; p++) {
        spec.parts[p] = convs[p];
        spec.part_channels[p] = shape_of(convs[p], size).dst_channels;
        spec.shape.dst_channels += spec.part_channels[p];
    }
    return spec;
}

static inline bool reads_bf16(const struct conv_spec *spec)
{
    return spec->backward ? spec->dst_bf16 : spec->src_bf16;
}

static inline void add_part(struct sample *sample, int part, const float *values)
{
    const struct conv_spec *spec = &sample->spec;
    const int r = spec->backward ? 0 : part;
    struct onednn_shape s = spec->shape;
    s.dst_channels = spec->part_channels[part];
    const size_t count = naive_weight(&s, s.dst_channels, 0, 0, 0);
    float *kernel = naive_alloc(count * sizeof *kernel);
    memcpy(kernel, parameters_kernel(network, weights, spec->parts[part]), count * sizeof *kernel);
    sample->result_channels[r] = spec->backward ? s.src_channels : s.dst_channels;
    const int taps = s.kernel_h * s.kernel_w;
    for (enum rounded rounded = ROUNDED_NONE; rounded <= (reads_bf16(spec) ? ROUNDED_ALL : ROUNDED_NONE); rounded++) {
        for (size_t i = 0; rounded != ROUNDED_NONE && i < count; i++)
            if (rounded == ROUNDED_ALL || (int)(i % (size_t)taps) == taps / 2)
                kernel[i] = bf16_value(bf16_of(kernel[i]));
        double **exact = &sample->exact[rounded][r];
        if (!*exact)
            *exact = calloc((size_t)sample->result_channels[r] * sample->result_positions, sizeof **exact);
        CU_ASSERT_PTR_NOT_NULL_FATAL(*exact);
        (spec->backward ? naive_conv_backward : naive_conv)(&s, values, kernel, *exact);
    }
    free(kernel);
}

static inline void sample_create(struct sample *sample, const struct conv_spec *spec)
{
    const struct onednn_shape *s = &spec->shape;
    const size_t src = naive_count(1, s->src_h, s->src_w), dst = naive_count(1, s->dst_h, s->dst_w), read = spec->backward ? dst : src;
    const bool planes = spec->image && !spec->backward;
    *sample = (struct sample){.spec = *spec,
                              .source_count = spec->backward ? spec->part_count : 1,
                              .result_count = spec->backward ? 1 : spec->part_count,
                              .result_positions = spec->backward ? src : dst};
    float *values[CONV_PARTS_MAX];
    for (int i = 0; i < sample->source_count; i++) {
        const int channels = spec->backward ? spec->part_channels[i] : s->src_channels;
        values[i] = naive_random((size_t)channels * read, 51 + (uint32_t)i);
        sample->sources[i] =
            blocks_of(reads_bf16(spec) ? VALUE_BF16 : VALUE_FLOAT, values[i], channels, read, planes ? 1 : onednn_block(), false);
    }
    for (int p = 0; p < spec->part_count; p++)
        add_part(sample, p, values[spec->backward ? p : 0]);
    for (int i = 0; i < sample->source_count; i++)
        free(values[i]);
}

static inline void sample_destroy(struct sample *sample)
{
    for (int i = 0; i < sample->source_count; i++)
        blocks_free(&sample->sources[i]);
    for (int r = 0; r < sample->result_count; r++) {
        for (int rounded = 0; rounded < ROUNDINGS; rounded++)
            free(sample->exact[rounded][r]);
    }
}

static inline int sources_of(const struct sample *sample, const void **in)
{
    int count = 0;
    for (int i = 0; i < sample->source_count; i++)
        for (int b = 0; b < sample->sources[i].count; b++)
            in[count++] = sample->sources[i].block[b];
    return count;
}
