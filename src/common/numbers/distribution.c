// SPDX-License-Identifier: MIT
#include "common/numbers/distribution.h"

#include <math.h>
#include <stdlib.h>

static const double pi = 3.14159265358979323846;

// The probability of |T| <= t (Abramowitz & Stegun 1964, 26.7.3 and 26.7.4).
static double student_t_within(double t, int64_t freedom)
{
    const double angle = atan2(t, sqrt((double)freedom)), sine = sin(angle), square = cos(angle) * cos(angle);
    double term = freedom % 2 ? cos(angle) : 1, sum = freedom > 1 ? term : 0;
    for (int64_t k = freedom % 2 ? 3 : 2; k <= freedom - 2; k += 2) {
        term *= square * (double)(k - 1) / (double)k;
        sum += term;
    }
    return freedom % 2 ? 2 / pi * (angle + sine * sum) : sine * sum;
}

double student_t_95(int64_t freedom)
{
    enum { MANY = 1000 }; // the next term of the series is below 1e-11 there
    const double z = 1.9599639845400545, v = (double)freedom;
    if (freedom >= MANY) // Abramowitz & Stegun, 26.7.5
        return z + (pow(z, 3) + z) / (4 * v) + (5 * pow(z, 5) + 16 * pow(z, 3) + 3 * z) / (96 * v * v) +
               (3 * pow(z, 7) + 19 * pow(z, 5) + 17 * pow(z, 3) - 15 * z) / (384 * v * v * v);
    double low = z, high = 13; // with one degree of freedom 12.7
    for (int i = 0; i < 60; i++) {
        const double middle = (low + high) / 2;
        *(student_t_within(middle, freedom) < 0.95 ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

struct moments moments_of(int64_t count, double mean, const struct exact_sum *squares)
{
    struct moments m = {.count = count, .mean = mean, .deviation = NAN, .low = NAN, .high = NAN};
    if (count < 1)
        m.mean = NAN;
    if (count < 2)
        return m;
    m.deviation = sqrt(exact_sum_value(squares) / (double)(count - 1));
    const double reach = student_t_95(count - 1) * m.deviation / sqrt((double)count);
    m.low = mean - reach;
    m.high = mean + reach;
    return m;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double quantile_of(const double *sorted, size_t count, double part)
{
    const double place = part * (double)(count - 1);
    const size_t below = (size_t)place, above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
}

struct distribution distribution_of(double *numbers, size_t count)
{
    struct exact_sum sum = {0}, squares = {0};
    size_t finite = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(numbers[i]))
            numbers[finite++] = numbers[i] + 0.0; // one zero
    for (size_t i = 0; i < finite; i++)
        exact_sum_add(&sum, numbers[i]);
    const double mean = finite ? exact_sum_value(&sum) / (double)finite : NAN;
    for (size_t i = 0; i < finite; i++)
        exact_sum_add_square(&squares, numbers[i] - mean);
    struct distribution d = {.moments = moments_of((int64_t)finite, mean, &squares)};
    double *quantiles[] = {&d.smallest, &d.q05, &d.q25, &d.median, &d.q75, &d.q95, &d.largest};
    static const double parts[] = {0, 0.05, 0.25, 0.5, 0.75, 0.95, 1};
    if (finite > 1)
        qsort(numbers, finite, sizeof *numbers, by_size);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        *quantiles[i] = finite ? quantile_of(numbers, finite, parts[i]) : NAN;
    return d;
}
