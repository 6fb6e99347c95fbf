// SPDX-License-Identifier: MIT
// A sum of doubles without rounding: the same, to the last bit, in whatever order they come. (A Kulisch accumulator: Kulisch 2013, Computer
// Arithmetic and Validity.)
#pragma once

#include <stdint.h>

// Digits of base 2^32, signed, from 2^-1152: all doubles, and 2^61 of the largest.
enum { EXACT_SUM_DIGITS = 70 };

// Zeroed: 0.
struct exact_sum {
    int64_t digits[EXACT_SUM_DIGITS];
    int32_t terms; // since carries were last brought up
};

// Takes finite numbers only.
void exact_sum_add(struct exact_sum *sum, double term);

// The square, as exactly, unless it is below 1e-290.
void exact_sum_add_square(struct exact_sum *sum, double term);

// Rounded once, to the nearest double.
double exact_sum_value(const struct exact_sum *sum);
