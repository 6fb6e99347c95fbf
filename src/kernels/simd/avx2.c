// SPDX-License-Identifier: MIT
#define LANES 8
#define BF16_PRODUCTS 0
#define SIMD_TABLE simd_avx2
#define SIMD_TABLE_NAME "avx2"
#include "kernels/simd/loops.h"
