// SPDX-License-Identifier: MIT
// oneDNN's product of two square matrices, for those who measure.
#pragma once

#include <stdbool.h>

#include "common/system/status.h"

struct matrix_product;

// Of matrices of side x side, float32 or bfloat16, with values in [-1, 1); the sums are float32. STATUS_UNSUPPORTED where oneDNN has
// nothing but its reference code for it.
enum status matrix_product_create(struct matrix_product **product, int side, bool bf16) MUST_CHECK;
void matrix_product_destroy(struct matrix_product **product);

// With the calling thread's OpenMP threads.
enum status matrix_product_run(const struct matrix_product *product) MUST_CHECK;
