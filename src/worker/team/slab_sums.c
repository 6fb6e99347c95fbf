// SPDX-License-Identifier: MIT
#include "worker/team/slab_sums.h"

#include <assert.h>
#include <math.h>

int slab_bands(struct span rows)
{
    return (rows.end - rows.begin + TILING_BAND - 1) / TILING_BAND;
}

struct span slab_band(struct span rows, int band)
{
    const int begin = rows.begin + band * TILING_BAND, end = begin + TILING_BAND;
    return (struct span){begin, end < rows.end ? end : rows.end};
}

typedef double term(float a, float b);

static inline double absolute_difference(float a, float b)
{
    return (double)fabsf(a - b);
}

static inline double squared_difference(float a, float b)
{
    const double difference = (double)a - (double)b;
    return difference * difference;
}

static inline double value(float a, float b)
{
    (void)b;
    return a;
}

static inline double absolute(float a, float b)
{
    (void)b;
    return fabs(a);
}

static inline double square(float a, float b)
{
    return (double)a * (double)b;
}

// LANES sums, each of every LANES-th term, folded at the end: an order that is fixed and yet fills vector registers.
static inline __attribute__((always_inline)) double sum_row(const float *a, const float *b, int count, term *of)
{
    enum { LANES = 8 };
    double lanes[LANES] = {0};
    int x = 0;
    for (; x + LANES <= count; x += LANES)
        for (int k = 0; k < LANES; k++)
            lanes[k] += of(a[x + k], b[x + k]);
    for (int k = 0; x + k < count; k++)
        lanes[k] += of(a[x + k], b[x + k]);
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

double slab_row_squares(const float *row, int count)
{
    return sum_row(row, row, count, square);
}

void slab_total_variation(const struct slab *slab, const float *below, double *bands, int stride)
{
    const int width = slab->width;
#pragma omp parallel for schedule(static)
    for (int band = 0; band < slab_bands(slab->rows); band++) {
        const struct span rows = slab_band(slab->rows, band);
        double sum = 0;
        for (int c = 0; c < 3; c++)
            for (int y = rows.begin; y < rows.end; y++) {
                const float *row = slab_row(slab, c, y), *outside = below ? below + (size_t)c * (size_t)width : NULL;
                const float *next = y + 1 < slab->rows.end ? row + width : outside;
                sum += sum_row(row + 1, row, width - 1, absolute_difference) + (next ? sum_row(next, row, width, absolute_difference) : 0);
            }
        bands[band * stride] = sum;
    }
}

void slab_squared_error(const struct slab *a, const struct slab *b, double *bands, int stride)
{
#pragma omp parallel for schedule(static)
    for (int band = 0; band < slab_bands(a->rows); band++) {
        const struct span rows = slab_band(a->rows, band);
        double sum = 0;
        for (int c = 0; c < 3; c++)
            for (int y = rows.begin; y < rows.end; y++)
                sum += sum_row(slab_row(a, c, y), slab_row(b, c, y), a->width, squared_difference);
        bands[band * stride] = sum;
    }
}

void slab_moments(const struct slab *slab, struct span rows, double *bands, int stride)
{
    assert(rows.begin >= rows.end || rows.begin % TILING_BAND == 0);
#pragma omp parallel for schedule(static)
    for (int band = 0; band < slab_bands(rows); band++) {
        const struct span part = slab_band(rows, band);
        double sums[SLAB_MOMENTS] = {0};
        for (int c = 0; c < 3; c++)
            for (int y = part.begin; y < part.end; y++) {
                const float *row = slab_row(slab, c, y);
                sums[0] += sum_row(row, row, slab->width, value);
                sums[1] += sum_row(row, row, slab->width, absolute);
                sums[2] += sum_row(row, row, slab->width, square);
            }
        for (int k = 0; k < SLAB_MOMENTS; k++)
            bands[band * stride + k] = sums[k];
    }
}

double slab_psnr(double squared_error, double samples)
{
    return 10 * log10(2 * 2 * samples / squared_error); // from -1 to 1 it is 2
}
