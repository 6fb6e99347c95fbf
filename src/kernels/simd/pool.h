// SPDX-License-Identifier: MIT
// simd_pool. Each result is gathered from the values that it depends on, so that it is written once and rows are independent.
#pragma once

#include "kernels/simd/finish.h"

static ALWAYS_INLINE lanes value_at(const struct simd_pool *job, int b, int y, int x, int width, int part)
{
    return load_value(job->in[b], job->in_bf16, ((size_t)y * (size_t)width + (size_t)x) * LANES + part * VECTOR);
}

static void max_pool(const struct simd_pool *job)
{
#pragma omp parallel for schedule(static) collapse(2)
    for (int b = 0; b < job->blocks; b++)
        for (int y = 0; y < job->out_h; y++)
            for (int x = 0; x < job->out_w; x++) {
                const size_t pixel = (size_t)y * (size_t)job->out_w + (size_t)x;
                lanes best[PARTS];
                FOR_PARTS (p) {
                    lanes_int which = {0};
                    best[p] = value_at(job, b, 2 * y, 2 * x, job->in_w, p);
                    UNROLL(8)
                    for (int k = 1; k < 9; k++) {
                        const lanes v = value_at(job, b, 2 * y + k / 3, 2 * x + k % 3, job->in_w, p);
                        const lanes_int better = v > best[p];
                        best[p] = (lanes)choose(better, (lanes_int)v, (lanes_int)best[p]);
                        which = choose(better, k - (lanes_int){0}, which);
                    }
                    store_bytes(job->index[b] + pixel * LANES + p * VECTOR, which);
                }
                finish(&job->out[b], pixel, best);
            }
}

static void max_pool_backward(const struct simd_pool *job)
{
#pragma omp parallel for schedule(static) collapse(2)
    for (int b = 0; b < job->blocks; b++)
        for (int y = 0; y < job->in_h; y++)
            for (int x = 0; x < job->in_w; x++) {
                lanes sum[PARTS] = {0};
                // the windows that end at, or start at or one before, this pixel
                for (int oy = y % 2 == 0 && y > 0 ? y / 2 - 1 : y / 2; oy <= y / 2 && oy < job->out_h; oy++)
                    for (int ox = x % 2 == 0 && x > 0 ? x / 2 - 1 : x / 2; ox <= x / 2 && ox < job->out_w; ox++) {
                        const size_t pixel = (size_t)oy * (size_t)job->out_w + (size_t)ox;
                        const int here = (y - 2 * oy) * 3 + x - 2 * ox;
                        FOR_PARTS (p) {
                            const size_t value = pixel * LANES + p * VECTOR;
                            sum[p] += keep(load_value(job->in[b], job->in_bf16, value), load_bytes(job->index[b] + value) == here);
                        }
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

static ALWAYS_INLINE float window_count(const struct simd_pool *job, struct window rows, struct window columns)
{
    return job->count_padding ? 9 : (float)((rows.end - rows.first) * (columns.end - columns.first));
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
                lanes sum[PARTS] = {0};
                for (int i = rows.first; i < rows.end; i++)
                    for (int j = columns.first; j < columns.end; j++) {
                        const float share = backward ? 1.0f / window_count(job, window_at(i, job->in_h), window_at(j, job->in_w)) : 1;
                        FOR_PARTS (p)
                            sum[p] += value_at(job, b, i, j, job->in_w, p) * share;
                    }
                if (!backward)
                    FOR_PARTS (p)
                        sum[p] /= window_count(job, rows, columns);
                finish(&job->out[b], (size_t)y * (size_t)job->in_w + (size_t)x, sum);
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
            for (size_t pixel = c * CHUNK_PIXELS; pixel < end; pixel++) {
                lanes v[PARTS];
                FOR_PARTS (p)
                    v[p] = last ? load_anywhere((const float *)job->in + pixel * last + (size_t)b * LANES + p * VECTOR)
                                : load_value(job->in, job->in_bf16, ((size_t)b * job->pixels + pixel) * LANES + p * VECTOR);
                finish(&job->out[b], pixel, v);
            }
        }
}
