// SPDX-License-Identifier: MIT
// Convolutions and pools as jobs for struct simd; of convolutions the data, too, and what plain loops make of it.
#pragma once

#include "blocks.h"
#include "kernels/convolution/panels.h"

enum { CONV_WEIGHTS_SEED = 32 };

// A convolution of the forward shape `shape`.
struct conv_case {
    struct onednn_shape shape;
    bool backward;
    bool image; // its source is three planes
    bool flat;  // 1 x 1: all rows as one
    bool bf16;  // what is read is
    struct finishing how;
    // Winograd
    int n, group, out_group, threads;
};

struct conv_job {
    struct simd_direct direct;
    struct simd_winograd winograd;
    struct blocks in;
    struct result result;
    void *panels, *scratch;
    double *exact; // planar, without what is asked for of the result
};

static inline struct onednn_shape conv_shape(int src_channels, int dst_channels, const int kernel[2], int stride, const int pad[2],
                                             const int size[2])
{
    return (struct onednn_shape){.src_channels = src_channels,
                                 .src_h = size[0],
                                 .src_w = size[1],
                                 .dst_channels = dst_channels,
                                 .dst_h = (size[0] + 2 * pad[0] - kernel[0] + stride) / stride,
                                 .dst_w = (size[1] + 2 * pad[1] - kernel[1] + stride) / stride,
                                 .kernel_h = kernel[0],
                                 .kernel_w = kernel[1],
                                 .stride = stride,
                                 .pad_h = pad[0],
                                 .pad_w = pad[1]};
}

// Source, result and what is expected of it. Returns the weights as the operation has them: backward (in, out, kernel_h, kernel_w), not
// turned. `coarse`: weights that a bfloat16 can hold.
static inline float *conv_data(struct conv_job *job, const struct conv_case *c, int lanes, bool coarse)
{
    const struct onednn_shape *s = &c->shape;
    const size_t src = naive_count(1, s->src_h, s->src_w), dst = naive_count(1, s->dst_h, s->dst_w);
    const size_t in = c->backward ? dst : src, out = c->backward ? src : dst, taps = naive_count(1, s->kernel_h, s->kernel_w);
    const int in_channels = c->backward ? s->dst_channels : s->src_channels, out_channels = c->backward ? s->src_channels : s->dst_channels;
    float *values = naive_random((size_t)in_channels * in, 31),
          *weights = naive_random(naive_weight(s, s->dst_channels, 0, 0, 0), CONV_WEIGHTS_SEED);
    for (size_t i = 0; coarse && i < naive_weight(s, s->dst_channels, 0, 0, 0); i++)
        weights[i] = bf16_value(bf16_of(weights[i]));
    job->exact = calloc((size_t)out_channels * out, sizeof *job->exact);
    CU_ASSERT_PTR_NOT_NULL_FATAL(job->exact);
    job->in = blocks_of(c->bf16 ? VALUE_BF16 : VALUE_FLOAT, values, in_channels, in, c->image && !c->backward ? 1 : lanes, true);
    result_create(&job->result, &c->how, out_channels, out, lanes, true);
    if (c->backward) {
        naive_conv_backward(s, values, weights, job->exact);
        float *turned = naive_alloc(naive_weight(s, s->dst_channels, 0, 0, 0) * sizeof *turned);
        for (int o = 0; o < s->dst_channels; o++)
            for (int i = 0; i < s->src_channels; i++)
                memcpy(turned + ((size_t)i * (size_t)s->dst_channels + (size_t)o) * taps, weights + naive_weight(s, o, i, 0, 0),
                       taps * sizeof *turned);
        free(weights);
        weights = turned;
    } else {
        naive_conv(s, values, weights, job->exact);
    }
    free(values);
    return weights;
}

static inline void direct_create(struct conv_job *job, const struct conv_case *c, const struct simd *simd)
{
    const struct onednn_shape *s = &c->shape;
    const bool pairs = simd->bf16_products && c->bf16;
    const int lanes = simd->lanes;
    struct simd_direct *d = &job->direct;
    *job = (struct conv_job){.panels = NULL};
    float *weights = conv_data(job, c, lanes, pairs);
    d->in_planar = c->image && !c->backward;
    d->in_blocks = d->in_planar ? 0 : job->in.count;
    d->in_h = c->backward ? s->dst_h : s->src_h;
    d->in_w = c->backward ? s->dst_w : s->src_w;
    d->in_bf16 = c->bf16;
    d->out = job->result.out;
    d->out_blocks = job->result.mask.count;
    d->out_w = c->backward ? s->src_w : s->dst_w;
    memcpy(d->in, job->in.block, sizeof d->in);
    d->phase_count = panels_phases(d->phases, s->kernel_h, s->kernel_w, s->stride, s->pad_h, s->pad_w, c->backward,
                                   c->backward ? s->src_h : s->dst_h, d->out_w);
    const struct panels_source source = {
        .weights = weights, .out = job->result.data.channels, .in = job->in.channels, .kernel_h = s->kernel_h, .kernel_w = s->kernel_w};
    job->panels = naive_alloc(panels_direct_bytes(&source, lanes, pairs));
    panels_direct(&source, d->phases, d->phase_count, lanes, pairs, job->panels);
    size_t done = 0;
    for (int p = 0; p < d->phase_count; p++) {
        d->phases[p].weights = (const char *)job->panels + done;
        done += (size_t)d->out_blocks * (size_t)lanes * (size_t)source.in * (size_t)d->phases[p].tap_count * (pairs ? 2 : 4);
    }
    CU_ASSERT_EQUAL(done, panels_direct_bytes(&source, lanes, pairs)); // every tap is in one phase
    if (c->flat) {
        d->in_w = d->out_w = d->phases[0].width = s->src_h * s->src_w;
        d->in_h = d->phases[0].height = 1;
    }
    free(weights);
}

static inline void winograd_create(struct conv_job *job, const struct conv_case *c, const struct simd *simd)
{
    const struct onednn_shape *s = &c->shape;
    struct simd_winograd *w = &job->winograd;
    *job = (struct conv_job){.panels = NULL};
    float *weights = conv_data(job, c, simd->lanes, false);
    *w = (struct simd_winograd){.in_blocks = job->in.count,
                                .in_pixels = {.height = s->src_h, .width = s->src_w, .row = s->src_w, .step = 1},
                                .in_bf16 = c->bf16,
                                .out = job->result.out,
                                .out_blocks = job->result.data.count,
                                .out_pixels = {.height = s->dst_h, .width = s->dst_w, .row = s->dst_w, .step = 1},
                                .n = c->n,
                                .tile_h = s->kernel_h > 1 ? c->n - s->kernel_h + 1 : 1,
                                .tile_w = s->kernel_w > 1 ? c->n - s->kernel_w + 1 : 1,
                                .pad_h = s->pad_h,
                                .pad_w = s->pad_w,
                                .group = c->group,
                                .out_group = c->out_group,
                                .threads = c->threads};
    memcpy(w->in, job->in.block, sizeof w->in);
    const struct panels_source source = {
        .weights = weights, .out = s->dst_channels, .in = s->src_channels, .kernel_h = s->kernel_h, .kernel_w = s->kernel_w};
    job->panels = naive_alloc(panels_winograd_bytes(&source, c->n));
    panels_winograd(&source, c->n, simd->lanes, job->panels);
    w->weights = job->panels;
    w->scratch = job->scratch = naive_alloc(simd->winograd_scratch(w) * (size_t)c->threads);
    free(weights);
}

static inline void conv_destroy(struct conv_job *job)
{
    blocks_free(&job->in);
    result_destroy(&job->result);
    free(job->panels);
    free(job->scratch);
    free(job->exact);
}

static inline struct onednn_shape pool_shape(int channels, int height, int width, bool max)
{
    return (struct onednn_shape){.src_channels = channels,
                                 .src_h = height,
                                 .src_w = width,
                                 .dst_channels = channels,
                                 .dst_h = !max         ? height
                                          : height < 3 ? 0
                                                       : (height - 3) / 2 + 1,
                                 .dst_w = !max        ? width
                                          : width < 3 ? 0
                                                      : (width - 3) / 2 + 1,
                                 .kernel_h = 3,
                                 .kernel_w = 3,
                                 .stride = max ? 2 : 1,
                                 .pad_h = !max,
                                 .pad_w = !max};
}

static inline struct simd_pool pool_job(const struct onednn_shape *s, const struct blocks *in, struct result *out,
                                        const struct blocks *index)
{
    struct simd_pool job = {.blocks = in->count,
                            .in_h = s->src_h,
                            .in_w = s->src_w,
                            .out_h = s->dst_h,
                            .out_w = s->dst_w,
                            .in_bf16 = in->value == VALUE_BF16,
                            .out = out->out};
    memcpy(job.in, in->block, sizeof job.in);
    for (int b = 0; b < index->count; b++)
        job.index[b] = index->block[b];
    return job;
}

// Which tap of its window had the first of the largest values.
static inline int wrong_index(const struct onednn_shape *s, const float *values, const struct blocks *index)
{
    int wrong = 0;
    NAIVE_FOR_OUTPUTS(s, o, y, x)
    {
        const size_t at = naive_largest(s, values, o, y, x) - naive_count(o, s->src_h, s->src_w);
        const int sy = (int)at / s->src_w, sx = (int)at % s->src_w, tap = (sy - 2 * y) * 3 + sx - 2 * x;
        wrong += blocks_at(index, o, (size_t)y * (size_t)s->dst_w + (size_t)x) != (float)tap;
    }
    return wrong;
}
