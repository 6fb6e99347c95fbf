// SPDX-License-Identifier: MIT
// The operations of the network as plain loops over planar arrays (channels, height, width), in double, and random data to feed them.
#pragma once

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/onednn/onednn.h"
#include "unit.h"

static inline uint32_t naive_next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

// Uniform in [-1, 1).
static inline void naive_fill(float *values, size_t count, uint32_t seed)
{
    uint32_t state = seed * 2654435761u + 1;
    for (size_t i = 0; i < count; i++)
        values[i] = (float)naive_next(&state) / (float)(1 << 23) - 1.0f;
}

// `bytes` of memory, 64-byte aligned, every float in it a NaN: what is read before it is written shows.
static inline void *naive_alloc(size_t bytes)
{
    const size_t whole = (bytes + 64) / 64 * 64;
    void *memory = aligned_alloc(64, whole);
    CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
    memset(memory, 0xff, whole);
    return memory;
}

static inline float *naive_random(size_t count, uint32_t seed)
{
    float *values = naive_alloc(count * sizeof *values);
    naive_fill(values, count, seed);
    return values;
}

static inline size_t naive_count(int channels, int height, int width)
{
    return (size_t)channels * (size_t)height * (size_t)width;
}

// out[c][(y + dy) mod height][(x + dx) mod width] = in[c][y][x] for `planes` planes of height x width.
static inline void naive_roll(const float *in, float *out, int planes, int width, int height, int dy, int dx)
{
    for (int c = 0; c < planes; c++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++, in++) {
                const int to_y = ((y + dy) % height + height) % height, to_x = ((x + dx) % width + width) % width;
                out[naive_count(c, height, width) + (size_t)to_y * (size_t)width + (size_t)to_x] = *in;
            }
}

// Where element (c, i) of (channels, positions) lies in blocks of channels.
static inline size_t naive_blocked_index(int c, size_t i, size_t positions, int block)
{
    return ((size_t)(c / block) * positions + i) * (size_t)block + (size_t)(c % block);
}

static inline void naive_block(const float *planar, float *blocked, int channels, size_t positions, int block)
{
    for (int c = 0; c < channels; c++)
        for (size_t i = 0; i < positions; i++)
            blocked[naive_blocked_index(c, i, positions, block)] = planar[(size_t)c * positions + i];
}

static inline void naive_unblock(const float *blocked, float *planar, int channels, size_t positions, int block)
{
    for (int c = 0; c < channels; c++)
        for (size_t i = 0; i < positions; i++)
            planar[(size_t)c * positions + i] = blocked[naive_blocked_index(c, i, positions, block)];
}

// The source index that a tap of the window of output (y, x) falls on, or -1 in the padding. In one plane.
static inline int naive_tap(const struct onednn_shape *s, int y, int x, int ky, int kx)
{
    const int sy = y * s->stride - s->pad_h + ky, sx = x * s->stride - s->pad_w + kx;
    return sy < 0 || sx < 0 || sy >= s->src_h || sx >= s->src_w ? -1 : sy * s->src_w + sx;
}

#define NAIVE_FOR_OUTPUTS(s, o, y, x)                                                                                                      \
    for (int o = 0; o < (s)->dst_channels; o++)                                                                                            \
        for (int y = 0; y < (s)->dst_h; y++)                                                                                               \
            for (int x = 0; x < (s)->dst_w; x++)
#define NAIVE_FOR_TAPS(s, ky, kx)                                                                                                          \
    for (int ky = 0; ky < (s)->kernel_h; ky++)                                                                                             \
        for (int kx = 0; kx < (s)->kernel_w; kx++)

static inline size_t naive_output(const struct onednn_shape *s, int o, int y, int x)
{
    return ((size_t)o * (size_t)s->dst_h + (size_t)y) * (size_t)s->dst_w + (size_t)x;
}

static inline size_t naive_weight(const struct onednn_shape *s, int o, int i, int ky, int kx)
{
    return (((size_t)o * (size_t)s->src_channels + (size_t)i) * (size_t)s->kernel_h + (size_t)ky) * (size_t)s->kernel_w + (size_t)kx;
}

// The outputs [first, end) of `outputs` along one direction whose tap k falls on one of `inputs`: at output * stride - pad + k.
static inline void naive_reach(int outputs, int inputs, int stride, int pad, int k, int *first, int *end)
{
    for (*first = 0; *first < outputs && *first * stride - pad + k < 0;)
        ++*first;
    for (*end = outputs; *end > *first && (*end - 1) * stride - pad + k >= inputs;)
        --*end;
}

// body for each weight w of a convolution and each pair (to: of an output, from: of an input) that it connects.
#define NAIVE_FOR_PRODUCTS(s, weights, w, to, from, body)                                                                                  \
    for (int o = 0; o < (s)->dst_channels; o++)                                                                                            \
        for (int i = 0; i < (s)->src_channels; i++)                                                                                        \
            NAIVE_FOR_TAPS(s, ky, kx)                                                                                                      \
            {                                                                                                                              \
                const double w = (weights)[naive_weight(s, o, i, ky, kx)];                                                                 \
                int y, y_end, x_first, x_end;                                                                                              \
                naive_reach((s)->dst_h, (s)->src_h, (s)->stride, (s)->pad_h, ky, &y, &y_end);                                              \
                naive_reach((s)->dst_w, (s)->src_w, (s)->stride, (s)->pad_w, kx, &x_first, &x_end);                                        \
                for (; y < y_end; y++) {                                                                                                   \
                    const size_t out = naive_output(s, o, y, 0), stride = (size_t)(s)->stride;                                             \
                    const size_t in = naive_count(i, (s)->src_h, (s)->src_w) + (size_t)naive_tap(s, y, x_first, ky, kx);                   \
                    for (size_t x = (size_t)x_first, n = 0; x < (size_t)x_end; x++, n++) {                                                 \
                        const size_t to = out + x, from = in + n * stride;                                                                 \
                        body;                                                                                                              \
                    }                                                                                                                      \
                }                                                                                                                          \
            }

// Not sanitized: nine tenths of the time of a sanitized test would go into these two.
#define NAIVE_UNWATCHED __attribute__((no_sanitize("address", "undefined")))

// dst += conv(src); weights (dst_channels, src_channels, kernel_h, kernel_w)
NAIVE_UNWATCHED static inline void naive_conv(const struct onednn_shape *s, const float *src, const float *weights, double *dst)
{
    NAIVE_FOR_PRODUCTS(s, weights, w, to, from, dst[to] += w * src[from])
}

// src += conv^T(dst)
NAIVE_UNWATCHED static inline void naive_conv_backward(const struct onednn_shape *s, const float *dst, const float *weights, double *src)
{
    NAIVE_FOR_PRODUCTS(s, weights, w, to, from, src[from] += w * dst[to])
}

// The tap of the largest value under the window, the first of equals; in the whole array.
static inline size_t naive_largest(const struct onednn_shape *s, const float *src, int o, int y, int x)
{
    const size_t plane = (size_t)o * (size_t)s->src_h * (size_t)s->src_w;
    size_t best = SIZE_MAX;
    NAIVE_FOR_TAPS(s, ky, kx)
    {
        const int tap = naive_tap(s, y, x, ky, kx);
        if (tap >= 0 && (best == SIZE_MAX || src[plane + (size_t)tap] > src[best]))
            best = plane + (size_t)tap;
    }
    return best;
}

static inline void naive_max_pool(const struct onednn_shape *s, const float *src, double *dst)
{
    NAIVE_FOR_OUTPUTS(s, o, y, x)
    dst[naive_output(s, o, y, x)] += src[naive_largest(s, src, o, y, x)];
}

static inline void naive_max_pool_backward(const struct onednn_shape *s, const float *values, const float *dst, double *src)
{
    NAIVE_FOR_OUTPUTS(s, o, y, x)
    src[naive_largest(s, values, o, y, x)] += dst[naive_output(s, o, y, x)];
}

static inline int naive_window(const struct onednn_shape *s, int y, int x)
{
    int inside = 0;
    NAIVE_FOR_TAPS(s, ky, kx)
    inside += naive_tap(s, y, x, ky, kx) >= 0;
    return inside;
}

static inline void naive_avg_pool(const struct onednn_shape *s, const float *src, double *dst)
{
    NAIVE_FOR_OUTPUTS(s, o, y, x)
    NAIVE_FOR_TAPS(s, ky, kx)
    {
        const int tap = naive_tap(s, y, x, ky, kx);
        if (tap >= 0)
            dst[naive_output(s, o, y, x)] += (double)src[naive_count(o, s->src_h, s->src_w) + (size_t)tap] / naive_window(s, y, x);
    }
}

static inline void naive_avg_pool_backward(const struct onednn_shape *s, const float *dst, double *src)
{
    NAIVE_FOR_OUTPUTS(s, o, y, x)
    NAIVE_FOR_TAPS(s, ky, kx)
    {
        const int tap = naive_tap(s, y, x, ky, kx);
        if (tap >= 0)
            src[naive_count(o, s->src_h, s->src_w) + (size_t)tap] += (double)dst[naive_output(s, o, y, x)] / naive_window(s, y, x);
    }
}

// Largest difference, relative to the largest expected value. Infinite if anything is not finite, or if there is nothing to compare.
static inline double naive_error(const float *found, const double *expected, size_t count)
{
    double worst = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        const double difference = fabs(found[i] - expected[i]);
        if (!isfinite(difference))
            return INFINITY;
        worst = difference > worst ? difference : worst;
        largest = fabs(expected[i]) > largest ? fabs(expected[i]) : largest;
    }
    return largest > 0 ? worst / largest : INFINITY;
}
