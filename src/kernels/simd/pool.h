// SPDX-License-Identifier: MIT
// simd_pool. Each result is gathered from the values that it depends on, so that it is written once and rows are independent.
#pragma once

#include "kernels/simd/finish.h"

static ALWAYS_INLINE lanes_int widen(lanes_sbyte bytes)
{
#if LANES_AVX2
    int64_t all;
    memcpy(&all, &bytes, sizeof all);
    return (lanes_int)_mm256_cvtepi8_epi32(_mm_cvtsi64_si128(all));
#else
    return __builtin_convertvector(bytes, lanes_int);
#endif
}

static ALWAYS_INLINE lanes value_at(const struct simd_pool *job, int b, int y, int x, int width)
{
    return load_value(job->in[b], job->in_bf16, ((size_t)y * (size_t)width + (size_t)x) * LANES);
}

static void max_pool(const struct simd_pool *job)
{
#pragma omp parallel for schedule(static) collapse(2)
    for (int b = 0; b < job->blocks; b++)
        for (int y = 0; y < job->out_h; y++)
            for (int x = 0; x < job->out_w; x++) {
                const size_t pixel = (size_t)y * (size_t)job->out_w + (size_t)x;
                lanes best = value_at(job, b, 2 * y, 2 * x, job->in_w);
                lanes_int which = {0};
                UNROLL(8)
                for (int k = 1; k < 9; k++) {
                    const lanes v = value_at(job, b, 2 * y + k / 3, 2 * x + k % 3, job->in_w);
                    const lanes_int better = v > best;
                    best = (lanes)choose(better, (lanes_int)v, (lanes_int)best);
                    which = choose(better, k - (lanes_int){0}, which);
                }
                *(lanes_byte *)(void *)(job->index[b] + pixel * LANES) = __builtin_convertvector(which, lanes_byte);
                finish(&job->out[b], pixel, best);
            }
}

static void max_pool_backward(const struct simd_pool *job)
{
#pragma omp parallel for schedule(static) collapse(2)
    for (int b = 0; b < job->blocks; b++)
        for (int y = 0; y < job->in_h; y++)
            for (int x = 0; x < job->in_w; x++) {
                lanes sum = {0};
                // the windows that end at, or start at or one before, this pixel
                for (int oy = y % 2 == 0 && y > 0 ? y / 2 - 1 : y / 2; oy <= y / 2 && oy < job->out_h; oy++)
                    for (int ox = x % 2 == 0 && x > 0 ? x / 2 - 1 : x / 2; ox <= x / 2 && ox < job->out_w; ox++) {
                        const size_t pixel = (size_t)oy * (size_t)job->out_w + (size_t)ox;
                        const lanes_byte which = *(const lanes_byte *)(const void *)(job->index[b] + pixel * LANES);
                        const uint8_t here = (uint8_t)((y - 2 * oy) * 3 + x - 2 * ox);
                        sum += keep(load_value(job->in[b], job->in_bf16, pixel * LANES), widen((lanes_sbyte)(which == here)));
                    }
                finish(&job->out[b], (size_t)y * (size_t)job->in_w + (size_t)x, sum);
            }
}

struct window {
    int first, end; // of three, cut at the border
};

static ALWAYS_INLINE struct window window_at(int at, int size)
{
    return (struct window){at > 0 ? at - 1 : 0, at + 2 < size ? at + 2 : size};
}

static ALWAYS_INLINE float window_count(struct window rows, struct window columns)
{
    return (float)((rows.end - rows.first) * (columns.end - columns.first));
}

// A value is the mean of its window; backward, each value of the window has had its share of the gradient.
static ALWAYS_INLINE void avg_pools(const struct simd_pool *job, bool backward)
{
#pragma omp parallel for schedule(static) collapse(2)
    for (int b = 0; b < job->blocks; b++)
        for (int y = 0; y < job->in_h; y++) {
            const struct window rows = window_at(y, job->in_h);
            for (int x = 0; x < job->in_w; x++) {
                const struct window columns = window_at(x, job->in_w);
                lanes sum = {0};
                for (int i = rows.first; i < rows.end; i++)
                    for (int j = columns.first; j < columns.end; j++) {
                        const lanes v = value_at(job, b, i, j, job->in_w);
                        sum += backward ? v * (1.0f / window_count(window_at(i, job->in_h), window_at(j, job->in_w))) : v;
                    }
                finish(&job->out[b], (size_t)y * (size_t)job->in_w + (size_t)x, backward ? sum : sum / window_count(rows, columns));
            }
        }
}

static void avg_pool(const struct simd_pool *job)
{
    avg_pools(job, false);
}

static void avg_pool_backward(const struct simd_pool *job)
{
    avg_pools(job, true);
}

static void pass(const struct simd_pass *job)
{
    enum { CHUNK_PIXELS = 1024 };
    const size_t chunks = (job->pixels + CHUNK_PIXELS - 1) / CHUNK_PIXELS, last = job->channels_last;
#pragma omp parallel for schedule(static) collapse(2)
    for (int b = 0; b < job->blocks; b++)
        for (size_t c = 0; c < chunks; c++) {
            const size_t end = (c + 1) * CHUNK_PIXELS < job->pixels ? (c + 1) * CHUNK_PIXELS : job->pixels;
            for (size_t p = c * CHUNK_PIXELS; p < end; p++)
                finish(&job->out[b], p,
                       last ? load_anywhere((const float *)job->in + p * last + (size_t)b * LANES)
                            : load_value(job->in, job->in_bf16, ((size_t)b * job->pixels + p) * LANES));
        }
}
