// SPDX-License-Identifier: MIT
#define LANES 8
#define LANES_NEON 1
#define BF16_PRODUCTS 0
#define SIMD_TABLE simd_neon
#define SIMD_TABLE_NAME "neon"
#include "kernels/simd/loops.h"
