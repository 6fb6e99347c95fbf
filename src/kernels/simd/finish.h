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

static ALWAYS_INLINE void finish(const struct simd_out *out, size_t pixel, lanes v)
{
    if (out->bias)
        v += load_anywhere(out->bias);
    if (out->plane) {
        for (int c = 0; c < 3; c++)
            ((float *)out->data)[(size_t)c * out->plane + pixel] = v[c];
        return;
    }
    if (out->accumulate)
        v += load_value(out->data, out->bf16, pixel * LANES);
    if (out->relu)
        v = keep(v, v > 0);
    if (out->rule == GATE_MASK)
        v = keep_bits(v, mask_at(out->gate, pixel));
    else if (out->rule == GATE_POSITIVE)
        v = keep(v, v > 0);
    else if (out->rule == GATE_MASK_POSITIVE)
        v = keep_bits(keep(v, v > 0), mask_at(out->gate, pixel));
    if (out->mask) {
        const uint16_t bits = (uint16_t)positive_bits(v);
        if (LANES == 16)
            memcpy(out->mask + 2 * pixel, &bits, 2);
        else
            out->mask[pixel] = (uint8_t)bits;
    }
    if (out->bf16)
        store_bf16((uint16_t *)out->data + pixel * LANES, v);
    else
        store((float *)out->data + pixel * LANES, v);
}
