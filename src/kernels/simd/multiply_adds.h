// SPDX-License-Identifier: MIT
// Multiply-adds in registers and nothing else: what the arithmetic of this instruction set can do at most.
#pragma once

#include "kernels/simd/multiply.h"

// How many independent sums hide the latency of a multiply-add and still fit into the registers, of which there are 32 with AVX-512 and
// NEON and 16 otherwise.
#if LANES_AVX512 || LANES_NEON
enum { PEAK_SUMS = 24 };
#else
enum { PEAK_SUMS = 12 };
#endif

static double multiply_adds(int rounds)
{
    enum { REPEATS = 16 }; // a round
    double flop = 0;
#pragma omp parallel reduction(+ : flop)
    {
        // What is added to a sum is too little to change it. The compiler may know neither the values nor whether anybody reads the sums.
        lanes values[PEAK_SUMS + 1], sums[PEAK_SUMS];
        for (int i = 0; i < PEAK_SUMS; i++)
            values[i] = broadcast(1 + (float)i / 16);
        values[PEAK_SUMS] = broadcast(0x1p-30f);
        __asm__ volatile("" : : "r"(values) : "memory");
        const lanes factor = values[PEAK_SUMS];
        UNROLL(24)
        for (int s = 0; s < PEAK_SUMS; s++)
            sums[s] = values[s];
        for (int64_t i = 0; i < (int64_t)rounds * REPEATS; i++) {
            UNROLL(24)
            for (int s = 0; s < PEAK_SUMS; s++)
                sums[s] = multiply_add(sums[s], factor, sums[s]);
        }
        UNROLL(24)
        for (int s = 0; s < PEAK_SUMS; s++)
            values[s] = sums[s];
        __asm__ volatile("" : : "r"(values) : "memory");
        flop = 2.0 * PEAK_SUMS * VECTOR * REPEATS * rounds;
    }
    return flop;
}
