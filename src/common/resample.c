// SPDX-License-Identifier: MIT
// Two passes, rows first (along x), then columns (along y); between them lies one (planes, in_height, out_width) array. Every output is one
// sum in a fixed order, so threads share rows without changing results.
#include "common/resample.h"

#include <assert.h>
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOBES = 3,
    LANES = 16, // rows that one pass along x handles together
};

// One direction: output i is the sum over k < taps of weights[i * taps + k] * input[starts[i] + k].
struct filter {
    int taps;
    int *starts;
    float *weights;
};

static double lanczos(double x)
{
    if (fabs(x) >= LOBES)
        return 0;
    if (fabs(x) < 1e-9)
        return 1;
    double angle = M_PI * x;
    return LOBES * sin(angle) * sin(angle / LOBES) / (angle * angle);
}

// How far from its centre an output reads, in input pixels.
static double filter_reach(int in, int out)
{
    return in > out ? LOBES * ((double)in / out) : LOBES;
}

static void filter_destroy(struct filter *filter)
{
    free(filter->starts);
    free(filter->weights);
    memset(filter, 0, sizeof *filter);
}

// The weights of one output. What falls outside the input is added to the border pixel, which is the same as repeating the border.
static void filter_row(const struct filter *filter, int in, int out, int i, double *sums)
{
    double ratio = (double)in / out;
    double reach = filter_reach(in, out);
    double centre = (i + 0.5) * ratio - 0.5;
    int first = (int)floor(centre - reach) + 1;
    int last = (int)ceil(centre + reach) - 1;
    int start = first < 0 ? 0 : first;
    if (start > in - filter->taps)
        start = in - filter->taps;
    double total = 0;
    memset(sums, 0, (size_t)filter->taps * sizeof *sums);
    for (int j = first; j <= last; j++) {
        double weight = lanczos((j - centre) / reach * LOBES);
        int inside = j < 0 ? 0 : j >= in ? in - 1 : j;
        assert(inside >= start && inside - start < filter->taps);
        sums[inside - start] += weight;
        total += weight;
    }
    filter->starts[i] = start;
    for (int k = 0; k < filter->taps; k++)
        filter->weights[(size_t)i * (size_t)filter->taps + (size_t)k] = (float)(sums[k] / total);
}

static enum status filter_create(struct filter *filter, int in, int out)
{
    memset(filter, 0, sizeof *filter);
    double widest = ceil(2 * filter_reach(in, out)); // whole numbers in an open interval of that length
    filter->taps = widest < in ? (int)widest : in;
    double *sums = malloc((size_t)filter->taps * sizeof *sums);
    filter->starts = malloc((size_t)out * sizeof *filter->starts);
    filter->weights = malloc((size_t)out * (size_t)filter->taps * sizeof *filter->weights);
    if (!sums || !filter->starts || !filter->weights) {
        free(sums);
        filter_destroy(filter);
        return fail(STATUS_LIMIT, "no memory for the weights to resample %d to %d pixels", in, out);
    }
    for (int i = 0; i < out; i++)
        filter_row(filter, in, out, i, sums);
    free(sums);
    return STATUS_OK;
}

// A few rows of one direction x at a time, turned so that the rows lie side by side: the inner loop then runs over rows and needs no sum
// across lanes. lanes is (in_width, LANES).
static void resample_rows(const struct filter *filter, const float *in, int rows, int in_width, float *restrict lanes, float *out,
                          int out_width)
{
    for (int r = 0; r < LANES; r++) {
        const float *row = in + (size_t)(r < rows ? r : 0) * (size_t)in_width;
        for (int x = 0; x < in_width; x++)
            lanes[(size_t)x * LANES + (size_t)r] = row[x];
    }
    for (int x = 0; x < out_width; x++) {
        const float *weights = filter->weights + (size_t)x * (size_t)filter->taps;
        const float *restrict pixels = lanes + (size_t)filter->starts[x] * LANES;
        float sums[LANES] = {0};
        for (int k = 0; k < filter->taps; k++)
            for (int r = 0; r < LANES; r++)
                sums[r] += weights[k] * pixels[k * LANES + r];
        for (int r = 0; r < rows; r++)
            out[(size_t)r * (size_t)out_width + (size_t)x] = sums[r];
    }
}

// in is (rows, in_width), out is (rows, out_width)
static enum status resample_x(const float *in, int64_t rows, int in_width, float *out, int out_width)
{
    enum status rc;
    struct filter filter;
    float *lanes = NULL;
    TRY(filter_create(&filter, in_width, out_width));
    int64_t blocks = (rows + LANES - 1) / LANES;
    int threads = omp_get_max_threads() < blocks ? omp_get_max_threads() : (int)blocks;
    size_t stride = (size_t)in_width * LANES;
    lanes = malloc((size_t)threads * stride * sizeof *lanes);
    if (!lanes) {
        rc = fail(STATUS_LIMIT, "no memory to resample rows of %d pixels", in_width);
        goto out;
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t block = 0; block < blocks; block++) {
        int64_t row = block * LANES;
        int count = rows - row < LANES ? (int)(rows - row) : LANES;
        resample_rows(&filter, in + (size_t)row * (size_t)in_width, count, in_width, lanes + (size_t)omp_get_thread_num() * stride,
                      out + (size_t)row * (size_t)out_width, out_width);
    }
out:
    free(lanes);
    filter_destroy(&filter);
    return rc;
}

// One output row from `taps` input rows; the inner loop runs along x, so it needs no sum across lanes.
static void resample_column(const struct filter *filter, int y, const float *in, int width, float *restrict out)
{
    const float *weights = filter->weights + (size_t)y * (size_t)filter->taps;
    memset(out, 0, (size_t)width * sizeof *out);
    for (int k = 0; k < filter->taps; k++) {
        const float *restrict row = in + (size_t)(filter->starts[y] + k) * (size_t)width;
        float weight = weights[k];
        for (int x = 0; x < width; x++)
            out[x] += weight * row[x];
    }
}

// in is (planes, in_height, width), out is (planes, out_height, width)
static enum status resample_y(const float *in, int planes, int width, int in_height, float *out, int out_height)
{
    struct filter filter;
    enum status rc = filter_create(&filter, in_height, out_height);
    if (rc != STATUS_OK)
        return rc;
    int64_t rows = (int64_t)planes * out_height;
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < rows; row++) {
        const float *plane = in + (size_t)(row / out_height) * (size_t)in_height * (size_t)width;
        resample_column(&filter, (int)(row % out_height), plane, width, out + (size_t)row * (size_t)width);
    }
    filter_destroy(&filter);
    return STATUS_OK;
}

enum status resample(const float *in, int planes, int in_width, int in_height, float *out, int out_width, int out_height)
{
    assert(planes > 0 && in_width > 0 && in_height > 0 && out_width > 0 && out_height > 0);
    int64_t in_rows = (int64_t)planes * in_height;
    if (in_height == out_height && in_width == out_width) {
        memcpy(out, in, (size_t)in_rows * (size_t)in_width * sizeof *out);
        return STATUS_OK;
    }
    if (in_height == out_height)
        return resample_x(in, in_rows, in_width, out, out_width);
    if (in_width == out_width)
        return resample_y(in, planes, in_width, in_height, out, out_height);

    size_t bytes;
    float *between = NULL;
    if (!__builtin_mul_overflow((size_t)in_rows, (size_t)out_width, &bytes) && !__builtin_mul_overflow(bytes, sizeof *out, &bytes))
        between = malloc(bytes);
    if (!between)
        return fail(STATUS_LIMIT, "no memory to resample %d x %d to %d x %d pixels", in_width, in_height, out_width, out_height);
    enum status rc = resample_x(in, in_rows, in_width, between, out_width);
    if (rc == STATUS_OK)
        rc = resample_y(between, planes, out_width, in_height, out, out_height);
    free(between);
    return rc;
}
