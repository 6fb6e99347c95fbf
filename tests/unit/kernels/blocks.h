// SPDX-License-Identifier: MIT
// Tensors in blocks of channels that lie anywhere in memory, and what struct simd_out asks for, as plain loops over planar arrays.
#pragma once

#include "kernels/simd/simd.h"
#include "naive.h"

static inline float bf16_value(uint16_t half)
{
    const uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// The nearest bfloat16, of two that are equally near the even one: by the distances, not by arithmetic on bits as in the program.
static inline uint16_t bf16_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint16_t inner = (uint16_t)(bits >> 16), outer = (uint16_t)(inner + 1); // neighbours, towards 0 and away from it
    if (!isfinite(value))
        return inner;
    const double beyond = isfinite(bf16_value(outer)) ? fabs(bf16_value(outer)) : ldexp(1, 128);
    const double to_inner = fabs(value) - fabs(bf16_value(inner)), to_outer = beyond - fabs(value);
    return to_inner < to_outer || (to_inner == to_outer && inner % 2 == 0) ? inner : outer;
}

// Bits of a value.
enum value { VALUE_BIT = 1, VALUE_BYTE = 8, VALUE_BF16 = 16, VALUE_FLOAT = 32 };

struct blocks {
    enum value value;
    int channels, lanes, count;
    size_t positions;
    size_t bytes, step, whole; // of a block, from one to the next in memory, of all memory
    char *memory;
    void *block[SIMD_BLOCKS_MAX];
};

// `apart`: in no order, and a vector's width between two of them that nobody may write to; otherwise one after the other, as executors have
// them. Blocks of one lane are planes.
static inline struct blocks blocks_alloc(enum value value, int channels, size_t positions, int lanes, bool apart)
{
    enum { EDGE = 64 };
    struct blocks t = {.value = value, .channels = channels, .lanes = lanes, .positions = positions};
    const size_t vector = (size_t)value * (size_t)lanes / 8;
    uint32_t state = (uint32_t)positions;
    int order[SIMD_BLOCKS_MAX] = {0};
    t.count = (channels + lanes - 1) / lanes;
    t.bytes = positions * vector;
    t.step = t.bytes + (apart ? vector : 0);
    t.whole = 2 * EDGE + (size_t)t.count * t.step;
    t.memory = naive_alloc(t.whole);
    for (int b = 0; b < t.count; b++) {
        const int other = apart ? (int)(naive_next(&state) % (uint32_t)(b + 1)) : b;
        order[b] = order[other];
        order[other] = b;
    }
    for (int b = 0; b < t.count; b++)
        t.block[b] = t.memory + EDGE + (size_t)order[b] * t.step;
    return t;
}

// Nothing was written outside the blocks.
static inline void blocks_free(struct blocks *t)
{
    for (int b = 0; b < t->count; b++)
        memset(t->block[b], 0xff, t->bytes);
    size_t touched = 0;
    for (size_t i = 0; i < t->whole; i++)
        touched += (uint8_t)t->memory[i] != 0xff;
    CU_ASSERT_EQUAL(touched, 0);
    free(t->memory);
}

static inline float blocks_at(const struct blocks *t, int c, size_t position)
{
    const void *block = t->block[c / t->lanes];
    const size_t at = position * (size_t)t->lanes + (size_t)(c % t->lanes);
    switch (t->value) {
    case VALUE_BIT:
        return (float)(((const uint8_t *)block)[at / 8] >> at % 8 & 1);
    case VALUE_BYTE:
        return ((const uint8_t *)block)[at];
    case VALUE_BF16:
        return bf16_value(((const uint16_t *)block)[at]);
    default:
        return ((const float *)block)[at];
    }
}

static inline void blocks_put(const struct blocks *t, int c, size_t position, float value)
{
    void *block = t->block[c / t->lanes];
    const size_t at = position * (size_t)t->lanes + (size_t)(c % t->lanes);
    if (t->value == VALUE_BIT) {
        uint8_t *byte = (uint8_t *)block + at / 8;
        *byte = (uint8_t)((*byte & ~(1u << at % 8)) | (value > 0 ? 1u << at % 8 : 0));
    } else if (t->value == VALUE_BF16) {
        ((uint16_t *)block)[at] = bf16_of(value);
    } else {
        ((float *)block)[at] = value;
    }
}

// Blocks of these planar values, which are rounded to what the blocks can hold.
static inline struct blocks blocks_of(enum value value, float *planar, int channels, size_t positions, int lanes, bool apart)
{
    const struct blocks t = blocks_alloc(value, channels, positions, lanes, apart);
    for (int c = 0; c < channels; c++)
        for (size_t i = 0; i < positions; i++) {
            blocks_put(&t, c, i, planar[(size_t)c * positions + i]);
            planar[(size_t)c * positions + i] = blocks_at(&t, c, i);
        }
    return t;
}

// What is asked for of a result.
struct finishing {
    bool bias, accumulate, relu, mask;
    enum gate_rule rule;
    float leak;
    bool bf16;
    bool plane;
};

// A result with all that goes into it.
struct result {
    struct finishing how;
    float *bias_memory, *bias;
    float *before, *open; // planar: what is in the result, and what its gate lets through: 0 or 1
    struct blocks data, mask, gate;
    struct simd_out out[SIMD_BLOCKS_MAX];
};

// Nothing in the result, or what is added to.
static inline void result_reset(const struct result *r)
{
    memset(r->data.memory, 0xff, r->data.whole);
    memset(r->mask.memory, 0xff, r->mask.whole);
    for (int c = 0; r->how.accumulate && c < r->data.channels; c++)
        for (size_t i = 0; i < r->data.positions; i++)
            blocks_put(&r->data, c, i, r->before[(size_t)c * r->data.positions + i]);
}

static inline void result_create(struct result *r, const struct finishing *how, int channels, size_t positions, int lanes, bool apart)
{
    const size_t count = (size_t)channels * positions;
    const enum value value = how->bf16 ? VALUE_BF16 : VALUE_FLOAT;
    r->how = *how;
    r->bias_memory = naive_random((size_t)(channels + lanes), 11);
    r->bias = r->bias_memory + 1; // a convolution's bias may lie anywhere among all weights
    r->before = naive_random(count, 12);
    r->open = naive_random(count, 13);
    for (size_t i = 0; i < count; i++)
        r->open[i] = r->open[i] > -0.3f;
    r->data =
        how->plane ? blocks_alloc(value, channels, positions, 1, false) : blocks_of(value, r->before, channels, positions, lanes, apart);
    r->mask = blocks_alloc(VALUE_BIT, channels, positions, lanes, apart);
    r->gate = blocks_of(VALUE_BIT, r->open, channels, positions, lanes, apart);
    for (int b = 0; b < r->mask.count; b++)
        r->out[b] = (struct simd_out){.bias = how->bias ? r->bias + b * lanes : NULL,
                                      .accumulate = how->accumulate,
                                      .relu = how->relu,
                                      .mask = how->mask ? r->mask.block[b] : NULL,
                                      .gate = how->rule == GATE_MASK || how->rule == GATE_MASK_POSITIVE ? r->gate.block[b] : NULL,
                                      .rule = how->rule,
                                      .leak = how->leak,
                                      .data = r->data.block[b],
                                      .bf16 = how->bf16,
                                      .plane = how->plane ? positions : 0};
    result_reset(r);
}

static inline void result_destroy(struct result *r)
{
    blocks_free(&r->data);
    blocks_free(&r->mask);
    blocks_free(&r->gate);
    free(r->open);
    free(r->before);
    free(r->bias_memory);
}

// Value i of plane c after all that is asked for.
static inline double result_expected(const struct result *r, int c, size_t i, double value)
{
    const size_t at = (size_t)c * r->data.positions + i;
    const enum gate_rule rule = r->how.rule;
    value += r->how.bias ? r->bias[c] : 0;
    value += r->how.accumulate ? r->before[at] : 0;
    const bool shut = (rule == GATE_MASK || rule == GATE_MASK_POSITIVE) && r->open[at] == 0;
    const bool positive = rule == GATE_POSITIVE || rule == GATE_MASK_POSITIVE;
    if (shut || (r->how.relu && !(value > 0)))
        return 0;
    return positive && value < 0 ? (double)r->how.leak * value : value;
}

// Largest difference from `exact`, planar and before all that is asked for, relative to the largest value; that bfloat16 is coarse doesn't
// count. Infinite if anything is not finite or there is nothing to compare, if a shut gate lets through, or if a mask's bit is wrong.
static inline double result_error(const struct result *r, const double *exact)
{
    double worst = 0, largest = 0;
    for (int c = 0; c < r->data.channels; c++)
        for (size_t i = 0; i < r->data.positions; i++) {
            const double found = blocks_at(&r->data, c, i), value = result_expected(r, c, i, exact[(size_t)c * r->data.positions + i]);
            const double difference = fabs(found - value) - (r->how.bf16 ? fabs(value) / 256 : 0);
            const bool shut =
                (r->how.rule == GATE_MASK || r->how.rule == GATE_MASK_POSITIVE) && r->open[(size_t)c * r->data.positions + i] == 0;
            if (!isfinite(difference) || (shut && found != 0) || (r->how.mask && blocks_at(&r->mask, c, i) != (found > 0)))
                return INFINITY;
            worst = difference > worst ? difference : worst;
            largest = fabs(value) > largest ? fabs(value) : largest;
        }
    return largest > 0 ? worst / largest : INFINITY;
}

// A copy of all bytes of the result and its mask, and whether they are the same still.
static inline char *result_bytes(const struct result *r)
{
    char *bytes = naive_alloc(r->data.whole + r->mask.whole);
    memcpy(bytes, r->data.memory, r->data.whole);
    memcpy(bytes + r->data.whole, r->mask.memory, r->mask.whole);
    return bytes;
}

static inline bool result_same(const struct result *r, const char *bytes)
{
    return memcmp(bytes, r->data.memory, r->data.whole) == 0 && memcmp(bytes + r->data.whole, r->mask.memory, r->mask.whole) == 0;
}
