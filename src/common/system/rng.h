// SPDX-License-Identifier: MIT
// Counter-based random numbers: the same key gives the same numbers on every rank, in any order, with no state.
// Philox4x32-10: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once

#include <stdint.h>

struct rng_block {
    uint32_t values[4];
};

// Four numbers, uniform over 32 bits.
struct rng_block rng_philox(uint64_t key, const uint32_t counter[4]);

// The roll of one step: dy and dx uniform in [-jitter, jitter]. `picture`: of the digest of its bytes, so that a dream belongs to its
// picture, whatever else is dreamed.
void rng_jitter(uint64_t seed, uint64_t picture, int octave, int step, int jitter, int *dy, int *dx);

// `count` normally distributed numbers of mean 0 and variance 1 for a row of a picture: by picture, sample, plane * height + y, from x = 0
// on.
void rng_normal(uint64_t seed, uint64_t picture, int sample, int64_t row, int count, float *values);
