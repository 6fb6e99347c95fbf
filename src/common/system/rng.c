// SPDX-License-Identifier: MIT
#include "common/system/rng.h"

#include <math.h>

struct rng_block rng_philox(uint64_t key, const uint32_t counter[4])
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (struct rng_block){{c0, c1, c2, c3}};
}

static int in_range(uint32_t value, int jitter)
{
    return (int)(((uint64_t)value * (2 * (uint64_t)jitter + 1)) >> 32) - jitter;
}

void rng_jitter(uint64_t seed, uint64_t picture, int octave, int step, int jitter, int *dy, int *dx)
{
    const uint32_t counter[4] = {(uint32_t)picture, (uint32_t)(picture >> 32), (uint32_t)octave, (uint32_t)step};
    const struct rng_block block = rng_philox(seed, counter);
    *dy = in_range(block.values[0], jitter);
    *dx = in_range(block.values[1], jitter);
}

// Box and Muller: two uniform numbers become two normal ones.
static void normal_pair(uint32_t a, uint32_t b, float pair[2])
{
    const double unit = 0x1p-32, radius = sqrt(-2 * log((a + 0.5) * unit)), angle = 2 * 3.14159265358979323846 * (b + 0.5) * unit;
    pair[0] = (float)(radius * cos(angle));
    pair[1] = (float)(radius * sin(angle));
}

void rng_normal(uint64_t seed, uint64_t picture, int sample, int64_t row, int count, float *values)
{
    const uint64_t normal = seed ^ UINT64_C(0x6e6f726d616c); // other numbers than those of the jitter
    const uint32_t which[4] = {(uint32_t)picture, (uint32_t)(picture >> 32), (uint32_t)sample};
    const struct rng_block own = rng_philox(normal, which);
    const uint64_t key = own.values[0] | (uint64_t)own.values[1] << 32; // of the sample: one counter has no room for all
    for (int i = 0; i < count; i += 4) {
        const uint32_t counter[4] = {(uint32_t)row, (uint32_t)((uint64_t)row >> 32), (uint32_t)(i / 4)};
        const struct rng_block block = rng_philox(key, counter);
        float four[4];
        normal_pair(block.values[0], block.values[1], four);
        normal_pair(block.values[2], block.values[3], four + 2);
        for (int k = 0; k < 4 && i + k < count; k++)
            values[i + k] = four[k];
    }
}
