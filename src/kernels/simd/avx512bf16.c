// SPDX-License-Identifier: MIT
#define LANES 16
#define BF16_PRODUCTS 1
#define SIMD_TABLE simd_avx512bf16
#define SIMD_TABLE_NAME "avx512bf16"
#include "kernels/simd/loops.h"
