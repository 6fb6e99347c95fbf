// SPDX-License-Identifier: MIT
#define LANES 16
#define BF16_PRODUCTS 1
#define SIMD_TABLE simd_portable16
#define SIMD_TABLE_NAME "portable16"
#include "kernels/simd/loops.h"
