// SPDX-License-Identifier: MIT
#include "worker/ascent/shaping.h"

#include <assert.h>
#include <math.h>
#include <string.h>

// A row's sum is LANES sums, each of every LANES-th value, folded at the end: an order that is fixed and yet fills vector registers.
enum { LANES = 8 };

static double fold(const double lanes[LANES])
{
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

// For assertions, which a release leaves out.
static inline bool __attribute__((unused)) is_none(struct span rows)
{
    return rows.begin >= rows.end;
}
static inline bool __attribute__((unused)) holds(const struct slab *field, struct span rows)
{
    return is_none(rows) || (field->rows.begin <= rows.begin && rows.end <= field->rows.end);
}

int shaping_bands(struct span rows)
{
    return (rows.end - rows.begin + TILING_BAND - 1) / TILING_BAND;
}

void shaping_shares(int height, int members, struct span *shares)
{
    for (int m = 0; m < members; m++)
        shares[m] = (struct span){0, shaping_bands(tiling_rows(height, members, m))};
}

static struct span band_rows(struct span rows, int band)
{
    const int begin = rows.begin + band * TILING_BAND, end = begin + TILING_BAND;
    return (struct span){begin, end < rows.end ? end : rows.end};
}

// Row `y` of plane `c`, which may also be one of the two next to the field's; NULL outside the octave.
static const float *row_near(const struct slab *field, const float *above, const float *below, int c, int y)
{
    const size_t plane = (size_t)c * (size_t)field->width;
    if (y < field->rows.begin)
        return above ? above + plane : NULL;
    if (y >= field->rows.end)
        return below ? below + plane : NULL;
    return slab_row(field, c, y);
}

static double sum_differences(const float *a, const float *b, int count)
{
    double lanes[LANES] = {0};
    int x = 0;
    for (; x + LANES <= count; x += LANES)
        for (int k = 0; k < LANES; k++)
            lanes[k] += fabsf(a[x + k] - b[x + k]);
    for (int k = 0; x + k < count; k++)
        lanes[k] += fabsf(a[x + k] - b[x + k]);
    return fold(lanes);
}

void shaping_total_variation(const struct slab *image, const float *below, double *bands)
{
    const int width = image->width;
    assert(is_none(image->rows) || (image->rows.begin % TILING_BAND == 0 && !below == (image->rows.end == image->height)));
#pragma omp parallel for schedule(static)
    for (int band = 0; band < shaping_bands(image->rows); band++) {
        const struct span rows = band_rows(image->rows, band);
        double sum = 0;
        for (int c = 0; c < 3; c++)
            for (int y = rows.begin; y < rows.end; y++) {
                const float *row = slab_row(image, c, y), *next = row_near(image, NULL, below, c, y + 1);
                sum += sum_differences(row + 1, row, width - 1) + (next ? sum_differences(next, row, width) : 0);
            }
        bands[band] = sum;
    }
}

// Of |here - left| + |here - right| + |here - up| + |here - down|, by `here`.
static inline float slope(float here, float left, float right, float up, float down)
{
    const int lower = (left < here) + (right < here) + (up < here) + (down < here);
    const int higher = (left > here) + (right > here) + (up > here) + (down > here);
    return (float)(lower - higher);
}

void shaping_add_total_variation(struct slab *gradient, const struct slab *image, const float *above, const float *below, double weight)
{
    const int last = image->width - 1;
    const float scale = (float)(weight / (3.0 * image->width * image->height));
    assert(holds(gradient, image->rows));
    assert(is_none(image->rows) || (!above == (image->rows.begin == 0) && !below == (image->rows.end == image->height)));
#pragma omp parallel for collapse(2) schedule(static)
    for (int c = 0; c < 3; c++)
        for (int y = image->rows.begin; y < image->rows.end; y++) {
            const float *row = slab_row(image, c, y); // in the place of a neighbour that is missing: no difference, no slope
            const float *up = row_near(image, above, below, c, y - 1), *down = row_near(image, above, below, c, y + 1);
            float *out = slab_row(gradient, c, y);
            up = up ? up : row;
            down = down ? down : row;
            for (int x = 1; x < last; x++)
                out[x] -= scale * slope(row[x], row[x - 1], row[x + 1], up[x], down[x]);
            out[0] -= scale * slope(row[0], row[0], row[last > 0], up[0], down[0]);
            if (last > 0)
                out[last] -= scale * slope(row[last], row[last - 1], row[last], up[last], down[last]);
        }
}

enum { SMOOTH_TAPS_MAX = 256 }; // to one side

int shaping_margin(double sigma)
{
    return (int)fmin(ceil(3 * sigma), SMOOTH_TAPS_MAX);
}

static void gaussian(double sigma, int radius, float taps[SMOOTH_TAPS_MAX + 1])
{
    double sum = 0;
    for (int i = 0; i <= radius; i++)
        sum += (i ? 2 : 1) * exp(-0.5 * (i / sigma) * (i / sigma));
    for (int i = 0; i <= radius; i++)
        taps[i] = (float)(exp(-0.5 * (i / sigma) * (i / sigma)) / sum);
}

static int clamped(int i, int size)
{
    return i < 0 ? 0 : i >= size ? size - 1 : i;
}

static void smooth_pixel(const float *taps, int radius, const float *in, float *out, int x, int width)
{
    float sum = taps[0] * in[x];
    for (int k = 1; k <= radius; k++)
        sum += taps[k] * (in[clamped(x - k, width)] + in[clamped(x + k, width)]);
    out[x] = sum;
}

static void smooth_across(const float *taps, int radius, const float *in, float *restrict out, int width)
{
    const int begin = radius < width ? radius : width, end = width - radius > begin ? width - radius : begin;
    for (int x = 0; x < begin; x++)
        smooth_pixel(taps, radius, in, out, x, width);
    for (int x = begin; x < end; x++)
        out[x] = taps[0] * in[x];
    for (int k = 1; k <= radius; k++)
        for (int x = begin; x < end; x++)
            out[x] += taps[k] * (in[x - k] + in[x + k]);
    for (int x = end; x < width; x++)
        smooth_pixel(taps, radius, in, out, x, width);
}

static void smooth_down(const float *taps, int radius, const struct slab *in, int c, int y, float *restrict out)
{
    const float *row = slab_row(in, c, y);
    for (int x = 0; x < in->width; x++)
        out[x] = taps[0] * row[x];
    for (int k = 1; k <= radius; k++) {
        const float *above = slab_row(in, c, clamped(y - k, in->height)), *below = slab_row(in, c, clamped(y + k, in->height));
        for (int x = 0; x < in->width; x++)
            out[x] += taps[k] * (above[x] + below[x]);
    }
}

void shaping_smooth(struct slab *gradient, struct slab *scratch, double sigma)
{
    float taps[SMOOTH_TAPS_MAX + 1];
    const int radius = shaping_margin(sigma), width = gradient->width;
    const struct span held = gradient->rows;
    const int begin = held.begin == 0 ? 0 : held.begin + radius;
    const int end = held.end == gradient->height ? held.end : held.end - radius;
    assert(scratch->width == width && scratch->rows.begin == held.begin && scratch->rows.end == held.end);
    if (radius == 0)
        return;
    gaussian(sigma, radius, taps);
#pragma omp parallel for collapse(2) schedule(static)
    for (int c = 0; c < 3; c++)
        for (int y = held.begin; y < held.end; y++)
            smooth_across(taps, radius, slab_row(gradient, c, y), slab_row(scratch, c, y), width);
#pragma omp parallel for collapse(2) schedule(static)
    for (int c = 0; c < 3; c++)
        for (int y = begin; y < end; y++)
            smooth_down(taps, radius, scratch, c, y, slab_row(gradient, c, y));
}

static void add_row_sums(const float *row, int width, double sums[SHAPING_SUMS])
{
    double plain[LANES] = {0}, absolute[LANES] = {0}, square[LANES] = {0};
    int x = 0;
    for (; x + LANES <= width; x += LANES)
        for (int k = 0; k < LANES; k++) {
            const double value = row[x + k];
            plain[k] += value;
            absolute[k] += fabs(value);
            square[k] += value * value;
        }
    for (int k = 0; x + k < width; k++) {
        const double value = row[x + k];
        plain[k] += value;
        absolute[k] += fabs(value);
        square[k] += value * value;
    }
    sums[0] += fold(plain);
    sums[1] += fold(absolute);
    sums[2] += fold(square);
}

void shaping_sums(const struct slab *gradient, struct span rows, double (*bands)[SHAPING_SUMS])
{
    assert(is_none(rows) || (rows.begin % TILING_BAND == 0 && holds(gradient, rows)));
#pragma omp parallel for schedule(static)
    for (int band = 0; band < shaping_bands(rows); band++) {
        const struct span part = band_rows(rows, band);
        double sums[SHAPING_SUMS] = {0};
        for (int c = 0; c < 3; c++)
            for (int y = part.begin; y < part.end; y++)
                add_row_sums(slab_row(gradient, c, y), gradient->width, sums);
        memcpy(bands[band], sums, sizeof sums);
    }
}

static double sum_squared_differences(const float *a, const float *b, int count)
{
    double lanes[LANES] = {0};
    int x = 0;
    for (; x + LANES <= count; x += LANES)
        for (int k = 0; k < LANES; k++) {
            const double difference = (double)a[x + k] - (double)b[x + k];
            lanes[k] += difference * difference;
        }
    for (int k = 0; x + k < count; k++) {
        const double difference = (double)a[x + k] - (double)b[x + k];
        lanes[k] += difference * difference;
    }
    return fold(lanes);
}

void shaping_squared_error(const struct slab *a, const struct slab *b, double *bands)
{
    assert(is_none(a->rows) || (a->rows.begin % TILING_BAND == 0 && holds(b, a->rows)));
#pragma omp parallel for schedule(static)
    for (int band = 0; band < shaping_bands(a->rows); band++) {
        const struct span part = band_rows(a->rows, band);
        double sum = 0;
        for (int c = 0; c < 3; c++)
            for (int y = part.begin; y < part.end; y++)
                sum += sum_squared_differences(slab_row(a, c, y), slab_row(b, c, y), a->width);
        bands[band] = sum;
    }
}

double shaping_psnr(double squared_error, double samples)
{
    return 10 * log10(2 * 2 * samples / squared_error); // from -1 to 1 it is 2
}

struct gradient_norms shaping_norms(const double sums[SHAPING_SUMS], double samples)
{
    const double mean = sums[0] / samples, variance = sums[2] / samples - mean * mean;
    return (struct gradient_norms){
        .std = sqrt(variance > 0 ? variance : 0), .rms = sqrt(sums[2] / samples), .mean_abs = sums[1] / samples, .l2 = sqrt(sums[2])};
}

double shaping_divisor(const struct gradient_norms *norms, enum config_normalize normalize)
{
    const double epsilon = 1e-8;
    switch (normalize) {
    case NORMALIZE_STD:
        return norms->std + epsilon;
    case NORMALIZE_RMS:
        return norms->rms + epsilon;
    case NORMALIZE_MEAN_ABS:
        return norms->mean_abs + epsilon;
    case NORMALIZE_L2:
        return norms->l2 + epsilon;
    case NORMALIZE_NONE:
        break;
    }
    return 1;
}

void shaping_ascend(struct slab *image, const struct slab *gradient, double step)
{
    const float scale = (float)step;
    assert(holds(gradient, image->rows));
#pragma omp parallel for collapse(2) schedule(static)
    for (int c = 0; c < 3; c++)
        for (int y = image->rows.begin; y < image->rows.end; y++) {
            float *restrict row = slab_row(image, c, y);
            const float *slopes = slab_row(gradient, c, y);
            for (int x = 0; x < image->width; x++) {
                const float value = row[x] + scale * slopes[x];
                row[x] = value < -1 ? -1 : value > 1 ? 1 : value;
            }
        }
}
