// SPDX-License-Identifier: MIT
#include "common/rng.h"

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

void rng_jitter(uint64_t seed, int64_t image, int octave, int step, int jitter, int *dy, int *dx)
{
    const uint32_t counter[4] = {(uint32_t)image, (uint32_t)((uint64_t)image >> 32), (uint32_t)octave, (uint32_t)step};
    const struct rng_block block = rng_philox(seed, counter);
    *dy = in_range(block.values[0], jitter);
    *dx = in_range(block.values[1], jitter);
}
