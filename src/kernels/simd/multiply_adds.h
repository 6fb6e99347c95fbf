// SPDX-License-Identifier: MIT
// Multiply-adds in registers and nothing else: what the arithmetic of this instruction set can do at most.
#pragma once

#include "kernels/simd/multiply.h"

// One register, and how many independent sums hide the latency of a multiply-add and still fit into the registers, of which there are 32
// with AVX-512 and 16 otherwise.
#if LANES_AVX512 || LANES_AVX2
enum { PEAK_LANES = LANES, PEAK_SUMS = LANES == 16 ? 24 : 12 };
#define peak_multiply_add multiply_add
#else
enum { PEAK_LANES = 4, PEAK_SUMS = 12 };
#define peak_multiply_add(a, b, c) ((a) * (b) + (c))
#endif
typedef float peak_lanes __attribute__((vector_size(4 * PEAK_LANES)));

static double multiply_adds(int rounds)
{
    enum { REPEATS = 16 }; // a round
    double flop = 0;
#pragma omp parallel reduction(+ : flop)
    {
        // Each sum tends to 2. The compiler may know neither the values nor whether anybody reads the sums.
        peak_lanes values[PEAK_SUMS + 2], sums[PEAK_SUMS];
        for (int i = 0; i < PEAK_SUMS; i++)
            values[i] = (peak_lanes){0} + (1 + (float)i / 16);
        values[PEAK_SUMS] = (peak_lanes){0} + 0.5f;
        values[PEAK_SUMS + 1] = (peak_lanes){0} + 1.0f;
        __asm__ volatile("" : : "r"(values) : "memory");
        const peak_lanes factor = values[PEAK_SUMS], added = values[PEAK_SUMS + 1];
        UNROLL(24)
        for (int s = 0; s < PEAK_SUMS; s++)
            sums[s] = values[s];
        for (int64_t i = 0; i < (int64_t)rounds * REPEATS; i++) {
            UNROLL(24)
            for (int s = 0; s < PEAK_SUMS; s++)
                sums[s] = peak_multiply_add(sums[s], factor, added);
        }
        UNROLL(24)
        for (int s = 0; s < PEAK_SUMS; s++)
            values[s] = sums[s];
        __asm__ volatile("" : : "r"(values) : "memory");
        flop = 2.0 * PEAK_SUMS * PEAK_LANES * REPEATS * rounds;
    }
    return flop;
}
