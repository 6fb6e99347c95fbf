// SPDX-License-Identifier: MIT
// Two passes, rows first (along x), then columns (along y); between them lies one (planes, in_height, out_width) array. Every output is one
// sum in a fixed order, so threads and callers share rows without changing results.
#include "common/picture/resample.h"

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

// Some outputs of one direction: the i-th of them is the sum over k < taps of weights[i * taps + k] * input[starts[i] + k].
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

static double filter_centre(int in, int out, int i)
{
    return (i + 0.5) * ((double)in / out) - 0.5;
}

static int filter_taps(int in, int out)
{
    double widest = ceil(2 * filter_reach(in, out)); // whole numbers in an open interval of that length
    return widest < in ? (int)widest : in;
}

// The first input that output i reads; never falls as i grows.
static int filter_start(int in, int out, int i)
{
    int first = (int)floor(filter_centre(in, out, i) - filter_reach(in, out)) + 1;
    int last = in - filter_taps(in, out);
    return first < 0 ? 0 : first > last ? last : first;
}

static void filter_destroy(struct filter *filter)
{
    free(filter->starts);
    free(filter->weights);
    memset(filter, 0, sizeof *filter);
}

// The weights[taps] of output i, which reads from `start` on. What falls outside the input is added to the border pixel, which is the same
// as repeating the border.
static void filter_weigh(int in, int out, int i, int start, int taps, double *sums, float *weights)
{
    double reach = filter_reach(in, out), centre = filter_centre(in, out, i);
    int first = (int)floor(centre - reach) + 1;
    int last = (int)ceil(centre + reach) - 1;
    double total = 0;
    memset(sums, 0, (size_t)taps * sizeof *sums);
    for (int j = first; j <= last; j++) {
        double weight = lanczos((j - centre) / reach * LOBES);
        int inside = j < 0 ? 0 : j >= in ? in - 1 : j;
        assert(inside >= start && inside - start < taps);
        sums[inside - start] += weight;
        total += weight;
    }
    for (int k = 0; k < taps; k++)
        weights[k] = (float)(sums[k] / total);
}

// For `outputs` of all `out`; not none.
static enum status filter_create(struct filter *filter, int in, int out, struct span outputs)
{
    const size_t count = (size_t)(outputs.end - outputs.begin), taps = (size_t)filter_taps(in, out);
    assert(0 <= outputs.begin && outputs.begin < outputs.end && outputs.end <= out);
    double *sums = malloc(taps * sizeof *sums);
    *filter = (struct filter){
        .taps = (int)taps, .starts = malloc(count * sizeof *filter->starts), .weights = malloc(count * taps * sizeof *filter->weights)};
    if (!sums || !filter->starts || !filter->weights) {
        free(sums);
        filter_destroy(filter);
        return no_memory("for the weights to resample %d to %d pixels", in, out);
    }
    for (size_t i = 0; i < count; i++) {
        const int output = outputs.begin + (int)i;
        filter->starts[i] = filter_start(in, out, output);
        filter_weigh(in, out, output, filter->starts[i], filter->taps, sums, filter->weights + i * taps);
    }
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

enum status resample_across(const float *in, int64_t rows, int in_width, float *out, int out_width)
{
    enum status rc;
    struct filter filter;
    float *lanes = NULL;
    assert(rows >= 0 && in_width > 0 && out_width > 0);
    if (rows == 0)
        return STATUS_OK;
    if (in_width == out_width) {
        memcpy(out, in, (size_t)rows * (size_t)in_width * sizeof *out);
        return STATUS_OK;
    }
    TRY_OUT(filter_create(&filter, in_width, out_width, (struct span){0, out_width}));
    int64_t blocks = (rows + LANES - 1) / LANES;
    int threads = omp_get_max_threads() < blocks ? omp_get_max_threads() : (int)blocks;
    size_t stride = (size_t)in_width * LANES;
    TRY_OUT(ALLOCATE(lanes, (size_t)threads * stride, "to resample rows of %d pixels", in_width));
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

// One output row from `taps` rows, at `in`; the inner loop runs along x, so it needs no sum across lanes.
static void resample_column(const float *weights, int taps, const float *in, int width, float *restrict out)
{
    memset(out, 0, (size_t)width * sizeof *out);
    for (int k = 0; k < taps; k++) {
        const float *restrict row = in + (size_t)k * (size_t)width;
        float weight = weights[k];
        for (int x = 0; x < width; x++)
            out[x] += weight * row[x];
    }
}

struct span resample_reach(int in_height, int out_height, struct span out_rows)
{
    assert(in_height > 0 && 0 <= out_rows.begin && out_rows.end <= out_height);
    if (out_rows.begin >= out_rows.end)
        return (struct span){0, 0};
    if (in_height == out_height)
        return out_rows;
    return (struct span){filter_start(in_height, out_height, out_rows.begin),
                         filter_start(in_height, out_height, out_rows.end - 1) + filter_taps(in_height, out_height)};
}

enum status resample_down(const float *in, struct span in_rows, int planes, int width, int in_height, float *out, struct span out_rows,
                          int out_height)
{
    const struct span reach = resample_reach(in_height, out_height, out_rows);
    const size_t in_plane = (size_t)(in_rows.end - in_rows.begin) * (size_t)width;
    const int count = out_rows.end - out_rows.begin; // rows a plane
    struct filter filter;
    if (count <= 0)
        return STATUS_OK;
    assert(planes > 0 && width > 0 && 0 <= in_rows.begin && in_rows.end <= in_height);
    assert(in_rows.begin <= reach.begin && reach.end <= in_rows.end);
    if (in_height == out_height) {
        const size_t plane = (size_t)count * (size_t)width, skip = (size_t)(reach.begin - in_rows.begin) * (size_t)width;
        for (int p = 0; p < planes; p++)
            memcpy(out + (size_t)p * plane, in + (size_t)p * in_plane + skip, plane * sizeof *out);
        return STATUS_OK;
    }
    TRY(filter_create(&filter, in_height, out_height, out_rows));
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < (int64_t)planes * count; row++) {
        const size_t i = (size_t)(row % count), skip = (size_t)(filter.starts[i] - in_rows.begin) * (size_t)width;
        resample_column(filter.weights + i * (size_t)filter.taps, filter.taps, in + (size_t)(row / count) * in_plane + skip, width,
                        out + (size_t)row * (size_t)width);
    }
    filter_destroy(&filter);
    return STATUS_OK;
}

enum status resample(const float *in, int planes, int in_width, int in_height, float *out, int out_width, int out_height)
{
    const struct span in_rows = {0, in_height}, out_rows = {0, out_height};
    const int64_t rows = (int64_t)planes * in_height;
    assert(planes > 0 && in_width > 0 && in_height > 0 && out_width > 0 && out_height > 0);
    if (in_width == out_width)
        return resample_down(in, in_rows, planes, out_width, in_height, out, out_rows, out_height);
    float *between;
    TRY(ALLOCATE(between, (size_t)rows * (size_t)out_width, "to resample %d x %d to %d x %d pixels", in_width, in_height, out_width,
                 out_height));
    enum status rc = resample_across(in, rows, in_width, between, out_width);
    if (rc == STATUS_OK)
        rc = resample_down(between, in_rows, planes, out_width, in_height, out, out_rows, out_height);
    free(between);
    return rc;
}
