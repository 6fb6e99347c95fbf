// SPDX-License-Identifier: MIT
#define LANES 16
#define BF16_PRODUCTS 0
#define SIMD_TABLE simd_avx512
#define SIMD_TABLE_NAME "avx512"
#include "kernels/simd/loops.h"
