// SPDX-License-Identifier: MIT
// What happens to a value on its way into memory: simd_out.
#pragma once

#include "kernels/simd/lanes.h"
#include "kernels/simd/simd.h"

static ALWAYS_INLINE unsigned mask_at(const uint8_t *mask, size_t pixel)
{
#if LANES == 16
    uint16_t bits;
    memcpy(&bits, mask + 2 * pixel, 2);
    return bits;
#else
    return mask[pixel];
#endif
}

static ALWAYS_INLINE void set_mask(uint8_t *mask, size_t pixel, unsigned positive)
{
    const uint16_t bits = (uint16_t)positive;
    if (LANES == 16)
        memcpy(mask + 2 * pixel, &bits, 2);
    else
        mask[pixel] = (uint8_t)bits;
}

static ALWAYS_INLINE void finish(const struct simd_out *out, size_t pixel, const lanes values[PARTS])
{
    lanes v[PARTS];
    FOR_PARTS (p)
        v[p] = values[p];
    if (out->bias)
        FOR_PARTS (p)
            v[p] += load_anywhere(out->bias + p * VECTOR);
    if (out->plane) {
        for (int c = 0; c < 3; c++)
            ((float *)out->data)[(size_t)c * out->plane + pixel] = v[0][c];
        return;
    }
    if (out->accumulate)
        FOR_PARTS (p)
            v[p] += load_value(out->data, out->bf16, pixel * LANES + p * VECTOR);
    if (out->relu)
        FOR_PARTS (p)
            v[p] = keep(v[p], v[p] > 0);
    if (out->rule == GATE_POSITIVE || out->rule == GATE_MASK_POSITIVE)
        FOR_PARTS (p)
            v[p] = keep(v[p], v[p] > 0) + (out->leak > 0 ? out->leak * keep(v[p], v[p] < 0) : (lanes){0});
    if (out->rule == GATE_MASK || out->rule == GATE_MASK_POSITIVE) {
        const unsigned bits = mask_at(out->gate, pixel);
        FOR_PARTS (p)
            v[p] = keep_bits(v[p], bits >> p * VECTOR);
    }
    if (out->mask) {
        unsigned bits = 0;
        FOR_PARTS (p)
            bits |= positive_bits(v[p]) << p * VECTOR;
        set_mask(out->mask, pixel, bits);
    }
    FOR_PARTS (p)
        store_value(out->data, out->bf16, pixel * LANES + p * VECTOR, v[p]);
}
