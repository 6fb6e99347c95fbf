// SPDX-License-Identifier: MIT
// All loops for the instruction set that this file is compiled for. Before it: LANES, SIMD_TABLE and SIMD_TABLE_NAME, BF16_PRODUCTS where
// pairs of bfloat16 are multiplied as such, and LANES_NEON where they may use Arm's instructions.
#include "kernels/simd/direct.h"
#include "kernels/simd/multiply_adds.h"
#include "kernels/simd/pool.h"
#include "kernels/simd/winograd.h"

const struct simd SIMD_TABLE = {
    .name = SIMD_TABLE_NAME,
    .lanes = LANES,
    .bf16_products = BF16_PRODUCTS,
    .direct = direct,
    .winograd = winograd,
    .winograd_scratch = winograd_scratch,
    .max_pool = max_pool,
    .max_pool_backward = max_pool_backward,
    .avg_pool = avg_pool,
    .avg_pool_backward = avg_pool_backward,
    .pass = pass,
    .multiply_adds = multiply_adds,
};
