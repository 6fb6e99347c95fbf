// SPDX-License-Identifier: MIT
// The matrix product in registers that every convolution comes down to: up to ROWS pixels times one or two blocks of outputs, over all
// input channels and taps. Each step loads the weights of one input channel, broadcasts that channel of each pixel, and adds.
#pragma once

#include "kernels/simd/lanes.h"

// Accumulators, weights and one broadcast fill the registers: 2 * ROWS + 3 of 16 or 32; of NEON's, 4 * ROWS + 5 of 32.
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

// How the channels of a pixel are taken: one float at a time, or two neighbouring bfloat16 values, of which the lower or the upper half of
// a word is a float's upper half, or which are multiplied as they are by weights that are pairs, too.
enum take { TAKE_FLOAT, TAKE_LOWER, TAKE_UPPER, TAKE_PAIR };

// sum += the pixels' channels at `at` * the weights at `w`.
static ALWAYS_INLINE void add_products(enum take take, ptrdiff_t step, int rows, int columns, const char *at, const float *w,
                                       lanes sum[ROWS][2 * PARTS])
{
    lanes weights[2 * PARTS];
    for (int v = 0; v < columns * PARTS; v++)
        weights[v] = load(w + v * VECTOR);
    UNROLL(14)
    for (int r = 0; r < rows; r++) {
        const lanes_int pair = take == TAKE_FLOAT ? (lanes_int){0} : broadcast_pair((const uint16_t *)(const void *)at + r * step);
        const lanes x = take == TAKE_FLOAT   ? broadcast(((const float *)(const void *)at)[r * step])
                        : take == TAKE_LOWER ? (lanes)(pair << 16)
                                             : (lanes)(pair & (int32_t)0xffff0000);
        for (int v = 0; v < columns * PARTS; v++)
            sum[r][v] =
                take == TAKE_PAIR ? multiply_add_pair(pair, (lanes_int)weights[v], sum[r][v]) : multiply_add(x, weights[v], sum[r][v]);
    }
}

// All of `source`, `rows` and `columns` are constants where this is called.
static ALWAYS_INLINE void multiply(enum source source, int rows, int columns, const struct operands *o, float *sums, ptrdiff_t column)
{
    const int depth = source == SOURCE_PLANE ? 1 : LANES;
    const ptrdiff_t step = source == SOURCE_PLANE ? 2 : source == SOURCE_SKIP || source == SOURCE_SKIP_BF16 ? 2 * LANES : LANES;
    const bool bf16 = source == SOURCE_NEXT_BF16 || source == SOURCE_SKIP_BF16, pairs = BF16_PRODUCTS && bf16;
    const int bytes = bf16 ? 2 : 4, width = bf16 ? 2 : 1, weights = (pairs ? 1 : width) * columns * LANES;
    lanes sum[ROWS][2 * PARTS];
    UNROLL(14)
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < columns * PARTS; v++)
            sum[r][v] = (lanes){0};
    for (int t = 0; t < o->tap_count; t++) {
        const float *w = o->weights + o->taps[t].weights;
        for (int k = 0; k < o->block_count; k++) {
            const char *pixel = (const char *)o->blocks[k] + o->taps[t].offset * bytes;
            __asm__("" : "+r"(pixel)); // one base for all rows: or else each gets a register, and there are not enough
            UNROLL(8)
            for (int l = 0; l < depth; l += width, w += weights) {
                if (!pairs)
                    prefetch_weights(w, columns);
                add_products(pairs ? TAKE_PAIR : bf16 ? TAKE_LOWER : TAKE_FLOAT, step, rows, columns, pixel + l * bytes, w, sum);
                if (bf16 && !pairs)
                    add_products(TAKE_UPPER, step, rows, columns, pixel + l * bytes, w + columns * LANES, sum);
            }
        }
    }
    UNROLL(14)
    for (int r = 0; r < rows; r++)
        FOR_PARTS (p) {
            store(sums + r * LANES + p * VECTOR, sum[r][p]);
            if (columns == 2)
                store(sums + column + r * LANES + p * VECTOR, sum[r][PARTS + p]);
        }
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
