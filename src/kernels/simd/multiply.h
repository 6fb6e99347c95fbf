// SPDX-License-Identifier: MIT
// The matrix product in registers that every convolution comes down to: up to ROWS pixels times one or two blocks of outputs, over all
// input channels and taps. Each step loads the weights of one input channel, broadcasts that channel of each pixel, and adds.
#pragma once

#include "kernels/simd/lanes.h"

// Accumulators, weights and one broadcast fill the registers: 2 * ROWS + 3 of 16 or 32.
enum { ROWS = LANES == 16 ? 14 : 6 };

struct tap {
    ptrdiff_t offset; // values from the start of a block to this tap's pixel of row 0
    size_t weights;   // floats from the start of the panel
};

// Words of weights for each input channel and output: half of one where they are pairs of bfloat16.
static ALWAYS_INLINE size_t weight_words(size_t channels, bool bf16)
{
    return BF16_PRODUCTS && bf16 ? channels / 2 : channels;
}

// How a pixel's channels lie and how far it is to the next pixel.
enum source {
    SOURCE_NEXT,  // blocks, neighbouring pixels
    SOURCE_SKIP,  // blocks, every second pixel
    SOURCE_PLANE, // a block is a plane, every second pixel: the image
    SOURCE_NEXT_BF16,
    SOURCE_SKIP_BF16,
    SOURCES
};

struct operands {
    const void *const *blocks;
    int block_count;
    const struct tap *taps;
    int tap_count;
    const float *weights;
};

#define UNROLL(n) _Pragma(UNROLL_TEXT(GCC unroll n))
#define UNROLL_TEXT(text) #text

// Two neighbouring bfloat16 values: the lower and the upper half of one word.
static ALWAYS_INLINE lanes_int broadcast_pair(const uint16_t *at)
{
    int32_t pair;
    memcpy(&pair, at, sizeof pair);
    return pair - (lanes_int){0};
}

// Weights come from far: a step reads more of them than any cache holds. 32 vectors ahead were the best of 16, 32 and 64 on Zen 4, by 2%.
static ALWAYS_INLINE void prefetch_weights(const float *w, int columns)
{
    enum { AHEAD = 32 * LANES };
    for (int c = 0; c < columns; c++)
        __builtin_prefetch(w + AHEAD + c * LANES, 0, 3);
}

static ALWAYS_INLINE void store_sums(int rows, int columns, lanes sum[ROWS][2], float *sums, ptrdiff_t column)
{
    UNROLL(14)
    for (int r = 0; r < rows; r++) {
        store(sums + r * LANES, sum[r][0]);
        if (columns == 2)
            store(sums + column + r * LANES, sum[r][1]);
    }
}

#if BF16_PRODUCTS
// c + x_1 * w_1 + x_0 * w_0 of the two bfloat16 values in each word: sums in float32.
static ALWAYS_INLINE lanes multiply_add_pair(lanes_int x, lanes_int w, lanes c)
{
#if defined(__AVX512BF16__) && LANES_AVX512
    return (lanes)_mm512_dpbf16_ps((__m512)c, (__m512bh)(__m512i)x, (__m512bh)(__m512i)w);
#else
    const int32_t upper = (int32_t)0xffff0000;
    return multiply_add((lanes)(x << 16), (lanes)(w << 16), multiply_add((lanes)(x & upper), (lanes)(w & upper), c));
#endif
}

// multiply() on bfloat16 weights, in pairs of input channels.
static ALWAYS_INLINE void multiply_pairs(ptrdiff_t step, int rows, int columns, const struct operands *o, float *sums, ptrdiff_t column)
{
    lanes sum[ROWS][2];
    UNROLL(14)
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = (lanes){0};
    for (int t = 0; t < o->tap_count; t++) {
        const float *w = o->weights + o->taps[t].weights;
        for (int k = 0; k < o->block_count; k++) {
            const uint16_t *pixel = (const uint16_t *)o->blocks[k] + o->taps[t].offset;
            __asm__("" : "+r"(pixel));
            UNROLL(8)
            for (int l = 0; l < LANES; l += 2, w += columns * LANES) {
                const lanes_int w0 = (lanes_int)load(w), w1 = columns == 2 ? (lanes_int)load(w + LANES) : w0;
                UNROLL(14)
                for (int r = 0; r < rows; r++) {
                    const lanes_int x = broadcast_pair(pixel + r * step + l);
                    sum[r][0] = multiply_add_pair(x, w0, sum[r][0]);
                    if (columns == 2)
                        sum[r][1] = multiply_add_pair(x, w1, sum[r][1]);
                }
            }
        }
    }
    store_sums(rows, columns, sum, sums, column);
}
#endif

// All of `source`, `rows` and `columns` are constants where this is called.
static ALWAYS_INLINE void multiply(enum source source, int rows, int columns, const struct operands *o, float *sums, ptrdiff_t column)
{
    const int depth = source == SOURCE_PLANE ? 1 : LANES;
    const ptrdiff_t step = source == SOURCE_PLANE ? 2 : source == SOURCE_SKIP || source == SOURCE_SKIP_BF16 ? 2 * LANES : LANES;
    const bool bf16 = source == SOURCE_NEXT_BF16 || source == SOURCE_SKIP_BF16;
#if BF16_PRODUCTS
    if (bf16) {
        multiply_pairs(step, rows, columns, o, sums, column);
        return;
    }
#endif
    const int width = bf16 ? 2 : 1;
    lanes sum[ROWS][2];
    UNROLL(14)
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = (lanes){0};
    for (int t = 0; t < o->tap_count; t++) {
        const float *w = o->weights + o->taps[t].weights;
        for (int k = 0; k < o->block_count; k++) {
            const float *pixel = (const float *)o->blocks[k] + o->taps[t].offset;
            const uint16_t *half = (const uint16_t *)o->blocks[k] + o->taps[t].offset;
            __asm__("" : "+r"(pixel), "+r"(half)); // one base for all rows: or else each gets a register, and there are not enough
            UNROLL(8)
            for (int l = 0; l < depth; l += width, w += width * columns * LANES) {
                const lanes w0 = load(w), w1 = columns == 2 ? load(w + LANES) : w0;
                prefetch_weights(w, columns);
                UNROLL(14)
                for (int r = 0; r < rows; r++) {
                    const lanes_int pair = bf16 ? broadcast_pair(half + r * step + l) : (lanes_int){0};
                    const lanes x = bf16 ? (lanes)(pair << 16) : broadcast(pixel[r * step + l]);
                    sum[r][0] = multiply_add(x, w0, sum[r][0]);
                    if (columns == 2)
                        sum[r][1] = multiply_add(x, w1, sum[r][1]);
                }
                if (!bf16)
                    continue;
                const lanes v0 = load(w + columns * LANES), v1 = columns == 2 ? load(w + 3 * LANES) : v0;
                UNROLL(14)
                for (int r = 0; r < rows; r++) {
                    const lanes x = (lanes)(broadcast_pair(half + r * step + l) & (int32_t)0xffff0000);
                    sum[r][0] = multiply_add(x, v0, sum[r][0]);
                    if (columns == 2)
                        sum[r][1] = multiply_add(x, v1, sum[r][1]);
                }
            }
        }
    }
    store_sums(rows, columns, sum, sums, column);
}

#define MULTIPLY_ROWS(source, rows)                                                                                                        \
    case 2 * rows + 1:                                                                                                                     \
        multiply(source, rows, 2, o, sums, column);                                                                                        \
        return;                                                                                                                            \
    case 2 * rows:                                                                                                                         \
        multiply(source, rows, 1, o, sums, column);                                                                                        \
        return;
#if LANES == 16
#define MULTIPLY_CASES(source)                                                                                                             \
    MULTIPLY_ROWS(source, 1) MULTIPLY_ROWS(source, 2) MULTIPLY_ROWS(source, 4) MULTIPLY_ROWS(source, 8) MULTIPLY_ROWS(source, 14)
// The most rows that there is a product for.
static ALWAYS_INLINE int rows_at_once(int left)
{
    return left >= 14 ? 14 : left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}
#else
#define MULTIPLY_CASES(source)                                                                                                             \
    MULTIPLY_ROWS(source, 1)                                                                                                               \
    MULTIPLY_ROWS(source, 2) MULTIPLY_ROWS(source, 3) MULTIPLY_ROWS(source, 4) MULTIPLY_ROWS(source, 5) MULTIPLY_ROWS(source, 6)
static ALWAYS_INLINE int rows_at_once(int left)
{
    return left < ROWS ? left : ROWS;
}
#endif

// sums (columns, rows, lanes), `column` floats from one column to the next. A function of its own for each source, so that it is there
// once.
#define MULTIPLY(source)                                                                                                                   \
    static                                                                                                                                 \
        __attribute__((noinline)) void multiply_##source(int rows, int columns, const struct operands *o, float *sums, ptrdiff_t column)   \
    {                                                                                                                                      \
        switch (2 * rows + columns - 1) {                                                                                                  \
            MULTIPLY_CASES(source)                                                                                                         \
        }                                                                                                                                  \
    }
MULTIPLY(SOURCE_NEXT)
MULTIPLY(SOURCE_SKIP)
MULTIPLY(SOURCE_PLANE)
MULTIPLY(SOURCE_NEXT_BF16)
MULTIPLY(SOURCE_SKIP_BF16)

typedef void multiply_function(int rows, int columns, const struct operands *o, float *sums, ptrdiff_t column);
static multiply_function *const multiply_by_source[SOURCES] = {multiply_SOURCE_NEXT, multiply_SOURCE_SKIP, multiply_SOURCE_PLANE,
                                                               multiply_SOURCE_NEXT_BF16, multiply_SOURCE_SKIP_BF16};
