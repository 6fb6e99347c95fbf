// SPDX-License-Identifier: MIT
#define LANES 8
#define BF16_PRODUCTS 0
#define SIMD_TABLE simd_portable
#define SIMD_TABLE_NAME "portable"
#include "kernels/simd/loops.h"
