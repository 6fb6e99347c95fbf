// SPDX-License-Identifier: MIT
// simd_winograd: transform tiles of the input, one matrix product for each point, transform back.
//
// With the points 0, +-p, ... and infinity, in one dimension (M(x) = x * prod (x^2 - p^2)):
//   input    rows of +-p: E +- p * O, E and O the coefficients of prod over the other points of (x^2 - q^2) over the even and odd inputs
//            rows of 0 and infinity: those of prod over all points, over the even inputs from 0 and the odd ones from 1
//   output   y_k = sum over p of p^k * (v(p) +- v(-p)), + v(0) for k = 0, + v(infinity) for the last
// and in two dimensions first down the columns, then along the rows.
#pragma once

#include <omp.h>

#include "kernels/simd/finish.h"
#include "kernels/simd/multiply.h"
#include "kernels/simd/points.h"

enum { PAIRS_MAX = WINOGRAD_PAIRS_MAX, N_MAX = WINOGRAD_N_MAX };

// `n` is a constant here and below: the compiler knows all that follows from it.
static ALWAYS_INLINE float point(int n, int p)
{
    return winograd_points[n / 2 - 3][p];
}

// Coefficient k, lowest first, of the product of (x - q^2) over the pairs of points q but pair p of n / 2 - 1; p = n / 2 - 1: over all.
static ALWAYS_INLINE float around(int n, int p, int k)
{
    float product[PAIRS_MAX + 1] = {1};
    UNROLL(4)
    for (int q = 0; q < n / 2 - 1; q++) {
        const float square = q == p ? 0 : point(n, q) * point(n, q);
        UNROLL(4)
        for (int i = PAIRS_MAX; i > 0 && q != p; i--)
            product[i] = product[i - 1] - square * product[i];
        product[0] *= q == p ? 1 : -square;
    }
    return product[k];
}

// from[i * from_step], to[i * to_step], i < n.
static ALWAYS_INLINE void transform_input(int n, const lanes *from, int from_step, lanes *to, int to_step)
{
    const int pairs = n / 2 - 1;
    lanes d[N_MAX];
    UNROLL(10)
    for (int i = 0; i < n; i++)
        d[i] = from[i * from_step];
    UNROLL(4)
    for (int p = 0; p < pairs; p++) {
        lanes even = d[2 * pairs], odd = d[2 * pairs - 1];
        UNROLL(4)
        for (int k = 0; k < pairs - 1; k++) {
            even = multiply_add(broadcast(around(n, p, k)), d[2 * k + 2], even);
            odd = multiply_add(broadcast(around(n, p, k)), d[2 * k + 1], odd);
        }
        to[(1 + 2 * p) * to_step] = multiply_add(broadcast(point(n, p)), odd, even);
        to[(2 + 2 * p) * to_step] = multiply_add(broadcast(-point(n, p)), odd, even);
    }
    lanes zero = d[2 * pairs], infinity = d[2 * pairs + 1];
    UNROLL(4)
    for (int k = 0; k < pairs; k++) {
        zero = multiply_add(broadcast(around(n, pairs, k)), d[2 * k], zero);
        infinity = multiply_add(broadcast(around(n, pairs, k)), d[2 * k + 1], infinity);
    }
    to[0] = zero;
    to[(n - 1) * to_step] = infinity;
}

// from[i * from_step], i < n; to[k * to_step], k < tile.
static ALWAYS_INLINE void transform_output(int n, int tile, const lanes *from, int from_step, lanes *to, int to_step)
{
    const int pairs = n / 2 - 1;
    lanes sum[PAIRS_MAX], difference[PAIRS_MAX];
    float power[PAIRS_MAX];
    UNROLL(4)
    for (int p = 0; p < pairs; p++) {
        const lanes plus = from[(1 + 2 * p) * from_step], minus = from[(2 + 2 * p) * from_step];
        sum[p] = plus + minus;
        difference[p] = plus - minus;
        power[p] = 1;
    }
    UNROLL(6)
    for (int k = 0; k < tile; k++) {
        lanes y = k == 0 ? from[0] : k == tile - 1 ? from[(n - 1) * from_step] : (lanes){0};
        UNROLL(4)
        for (int p = 0; p < pairs; p++) {
            y = multiply_add(broadcast(power[p]), k % 2 ? difference[p] : sum[p], y);
            power[p] *= point(n, p);
        }
        to[k * to_step] = y;
    }
}

// What one thread works on: tiles [first, first + count), with its piece of the scratch.
struct tiles {
    int first, count;
    float *v, *m; // (points, blocks, group, lanes), points v_step and m_step apart
    size_t v_step, m_step;
};

struct winograd_grid {
    int rows, columns; // of tiles
    int n_h, n_w;      // inputs of a tile
};

static struct winograd_grid grid_of(const struct simd_winograd *job)
{
    return (struct winograd_grid){.rows = (job->out_pixels.height + job->tile_h - 1) / job->tile_h,
                                  .columns = (job->out_pixels.width + job->tile_w - 1) / job->tile_w,
                                  .n_h = job->tile_h > 1 ? job->n : 1,
                                  .n_w = job->tile_w > 1 ? job->n : 1};
}

// Points lie an odd number of cache lines apart: the writes of a tile go to all of them, and must not fall on the same few cache sets.
static size_t point_step(int blocks, int group)
{
    const size_t lines = ((size_t)blocks * (size_t)group * LANES * sizeof(float) + 63) / 64;
    return (lines | 1) * 64 / sizeof(float);
}

static size_t winograd_scratch(const struct simd_winograd *job)
{
    const struct winograd_grid grid = grid_of(job);
    return (size_t)(grid.n_h * grid.n_w) * sizeof(float) *
           (point_step(job->in_blocks, job->group) + point_step(job->out_group, job->group));
}

static ALWAYS_INLINE size_t pixel_at(const struct simd_pixels *pixels, int y, int x)
{
    return (size_t)pixels->first + (size_t)pixels->step * ((size_t)y * (size_t)pixels->row + (size_t)x);
}

static ALWAYS_INLINE void gather(const struct simd_winograd *job, const void *data, int y0, int x0, int n_h, int n_w, int part, lanes *d)
{
    const bool inside = y0 >= 0 && x0 >= 0 && y0 + n_h <= job->in_pixels.height && x0 + n_w <= job->in_pixels.width;
    if (inside) {
        UNROLL(10)
        for (int i = 0; i < n_h; i++)
            UNROLL(10)
        for (int j = 0; j < n_w; j++)
            d[i * n_w + j] = load_value(data, job->in_bf16, pixel_at(&job->in_pixels, y0 + i, x0 + j) * LANES + part * VECTOR);
        return;
    }
    for (int i = 0; i < n_h; i++)
        for (int j = 0; j < n_w; j++) {
            const int y = y0 + i, x = x0 + j;
            d[i * n_w + j] = y < 0 || x < 0 || y >= job->in_pixels.height || x >= job->in_pixels.width
                                 ? (lanes){0}
                                 : load_value(data, job->in_bf16, pixel_at(&job->in_pixels, y, x) * LANES + part * VECTOR);
        }
}

static ALWAYS_INLINE void input_tiles(const struct simd_winograd *job, const struct winograd_grid *grid, const struct tiles *tiles, int n_h,
                                      int n_w)
{
    lanes d[N_MAX * N_MAX];
    for (int b = 0; b < job->in_blocks; b++)
        for (int part = 0; part < tiles->count * PARTS; part++) {
            const int t = part / PARTS, p = part % PARTS, ty = (tiles->first + t) / grid->columns, tx = (tiles->first + t) % grid->columns;
            float *v = tiles->v + ((size_t)b * (size_t)job->group + (size_t)t) * LANES + p * VECTOR;
            gather(job, job->in[b], ty * job->tile_h - job->pad_h, tx * job->tile_w - job->pad_w, n_h, n_w, p, d);
            if (n_h > 1)
                for (int j = 0; j < n_w; j++)
                    transform_input(n_h, d + j, n_w, d + j, n_w);
            UNROLL(1)
            for (int i = 0; i < n_h; i++) {
                lanes row[N_MAX];
                if (n_w > 1)
                    transform_input(n_w, d + i * n_w, 1, row, 1);
                else
                    row[0] = d[i];
                UNROLL(10)
                for (int j = 0; j < n_w; j++)
                    store(v + (size_t)(i * n_w + j) * tiles->v_step, row[j]);
            }
        }
}

static ALWAYS_INLINE void output_tiles(const struct simd_winograd *job, const struct winograd_grid *grid, const struct tiles *tiles,
                                       int first_block, int blocks, int n_h, int n_w, int tile_h, int tile_w)
{
    lanes d[N_MAX * N_MAX * PARTS];
    for (int b = 0; b < blocks; b++)
        for (int t = 0; t < tiles->count; t++) {
            const int y0 = (tiles->first + t) / grid->columns * tile_h, x0 = (tiles->first + t) % grid->columns * tile_w;
            const int rows = job->out_pixels.height - y0 < tile_h ? job->out_pixels.height - y0 : tile_h,
                      columns = job->out_pixels.width - x0 < tile_w ? job->out_pixels.width - x0 : tile_w;
            const float *m = tiles->m + ((size_t)b * (size_t)job->group + (size_t)t) * LANES;
            UNROLL(1)
            for (int j = 0; j < n_w * PARTS; j++) {
                lanes column[N_MAX];
                UNROLL(10)
                for (int i = 0; i < n_h; i++)
                    column[i] = load(m + (size_t)(i * n_w + j / PARTS) * tiles->m_step + j % PARTS * VECTOR);
                if (n_h > 1)
                    transform_output(n_h, tile_h, column, 1, d + j, n_w * PARTS);
                else
                    d[j] = column[0];
            }
            for (int i = 0; i < rows; i++) {
                lanes row[N_MAX * PARTS];
                UNROLL(1)
                for (int p = 0; p < PARTS; p++)
                    if (n_w > 1)
                        transform_output(n_w, tile_w, d + i * n_w * PARTS + p, PARTS, row + p, PARTS);
                    else
                        row[p] = d[i * PARTS + p];
                for (int j = 0; j < columns; j++)
                    finish(&job->out[first_block + b], pixel_at(&job->out_pixels, y0 + i, x0 + j), row + j * PARTS);
            }
        }
}

// Once for each, so that all loops have constant bounds.
#define TRANSFORMS(n, th, tw)                                                                                                              \
    static __attribute__((noinline)) void input_##n##_##th##_##tw(const struct simd_winograd *job, const struct winograd_grid *grid,       \
                                                                  const struct tiles *tiles)                                               \
    {                                                                                                                                      \
        input_tiles(job, grid, tiles, th > 1 ? n : 1, tw > 1 ? n : 1);                                                                     \
    }                                                                                                                                      \
    static __attribute__((noinline)) void output_##n##_##th##_##tw(const struct simd_winograd *job, const struct winograd_grid *grid,      \
                                                                   const struct tiles *tiles, int first, int blocks)                       \
    {                                                                                                                                      \
        output_tiles(job, grid, tiles, first, blocks, th > 1 ? n : 1, tw > 1 ? n : 1, th, tw);                                             \
    }
WINOGRAD_TRANSFORMS(TRANSFORMS)
static const struct transforms {
    int n, tile_h, tile_w;
    void (*input)(const struct simd_winograd *, const struct winograd_grid *, const struct tiles *);
    void (*output)(const struct simd_winograd *, const struct winograd_grid *, const struct tiles *, int first, int blocks);
} transforms[] = {
#define ENTRY(n, th, tw) {n, th, tw, input_##n##_##th##_##tw, output_##n##_##th##_##tw},
    WINOGRAD_TRANSFORMS(ENTRY)};

// Blocks [first, end) of outputs, `first` even.
static void winograd_tiles(const struct simd_winograd *job, const struct winograd_grid *grid, const struct transforms *with,
                           const struct tiles *tiles, int first, int end)
{
    const size_t channels = (size_t)job->in_blocks * LANES, column = (size_t)job->group * LANES;
    const void *blocks[SIMD_BLOCKS_MAX];
    for (int b = 0; b < job->in_blocks; b++)
        blocks[b] = tiles->v + (size_t)b * column;
    with->input(job, grid, tiles);
    for (int block = first; block < end; block += job->out_group) {
        const int count = end - block < job->out_group ? end - block : job->out_group;
        for (int i = 0; i < grid->n_h * grid->n_w; i++)
            for (int b = 0; b < count; b += 2) {
                const int columns = b + 1 < count ? 2 : 1;
                struct tap tap = {.offset = (ptrdiff_t)((size_t)i * tiles->v_step)};
                const struct operands operands = {.blocks = blocks,
                                                  .block_count = job->in_blocks,
                                                  .taps = &tap,
                                                  .tap_count = 1,
                                                  .weights = job->weights + ((size_t)i * (size_t)job->out_blocks + (size_t)(block + b)) *
                                                                                channels * LANES};
                float *m = tiles->m + (size_t)i * tiles->m_step + (size_t)b * column;
                for (int t = 0, now; t < tiles->count; t += now) {
                    now = rows_at_once(tiles->count - t);
                    multiply_SOURCE_NEXT(now, columns, &operands, m + t * LANES, (ptrdiff_t)column);
                    tap.offset += now * LANES;
                }
            }
        with->output(job, grid, tiles, block, count);
    }
}

static void winograd(const struct simd_winograd *job)
{
    const struct winograd_grid grid = grid_of(job);
    const int tile_count = grid.rows * grid.columns;
    const struct transforms *with = transforms;
    while (with->n != job->n || with->tile_h != job->tile_h || with->tile_w != job->tile_w)
        with++;
    const size_t v_step = point_step(job->in_blocks, job->group), m_step = point_step(job->out_group, job->group),
                 bytes = winograd_scratch(job);
    const int rounds = (tile_count + job->threads * job->group - 1) / (job->threads * job->group);
    const int chunks = job->threads * rounds < tile_count ? job->threads * rounds : tile_count;
#pragma omp parallel for schedule(static) num_threads(job->threads)
    for (int c = 0; c < chunks; c++) {
        const int first = (int)((int64_t)tile_count * c / chunks), end = (int)((int64_t)tile_count * (c + 1) / chunks);
        float *v = (float *)(void *)(job->scratch + (size_t)omp_get_thread_num() * bytes);
        const struct tiles tiles = {.first = first,
                                    .count = end - first,
                                    .v = v,
                                    .m = v + (size_t)(grid.n_h * grid.n_w) * v_step,
                                    .v_step = v_step,
                                    .m_step = m_step};
        winograd_tiles(job, &grid, with, &tiles, 0, job->out_blocks);
    }
}
