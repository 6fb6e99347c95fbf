// SPDX-License-Identifier: MIT
// What a set of numbers is like: the same to the last bit in whatever order they come.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/numbers/exact_sum.h"

// Mean with spread; NaN where there are too few numbers. Plain bytes, a part of rows of the run file.
struct moments {
    int64_t count;    // numbers that are finite; the others do not count
    double mean;      //
    double deviation; // standard deviation of the sample: the divisor is count - 1
    double low, high; // 95% confidence interval of the mean, by Student's t
};

struct distribution {
    struct moments moments;
    double smallest, q05, q25, median, q75, q95, largest; // quantiles between two numbers are interpolated (type 7 of Hyndman & Fan 1996)
};

// By the sums of the numbers and of the squares of their distances from `mean`, which is the first sum divided by the count.
struct moments moments_of(int64_t count, double mean, const struct exact_sum *squares);

// Moves the finite numbers to the front and sorts them.
struct distribution distribution_of(double *numbers, size_t count);

// Of sorted numbers, at least one; 0 <= part <= 1.
double quantile_of(const double *sorted, size_t count, double part);

// What |t| does not exceed with a probability of 95%; freedom >= 1.
double student_t_95(int64_t freedom);
