// SPDX-License-Identifier: MIT
#include "worker/team/slab_blur.h"

#include <assert.h>
#include <math.h>

enum { TAPS_MAX = 256 }; // to one side

int slab_blur_margin(double sigma)
{
    return (int)fmin(ceil(3 * sigma), TAPS_MAX);
}

static void gaussian(double sigma, int radius, float taps[TAPS_MAX + 1])
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

static void blur_pixel(const float *taps, int radius, const float *in, float *out, int x, int width)
{
    float sum = taps[0] * in[x];
    for (int k = 1; k <= radius; k++)
        sum += taps[k] * (in[clamped(x - k, width)] + in[clamped(x + k, width)]);
    out[x] = sum;
}

static void blur_across(const float *taps, int radius, const float *in, float *restrict out, int width)
{
    const int begin = radius < width ? radius : width, end = width - radius > begin ? width - radius : begin;
    for (int x = 0; x < begin; x++)
        blur_pixel(taps, radius, in, out, x, width);
    for (int x = begin; x < end; x++)
        out[x] = taps[0] * in[x];
    for (int k = 1; k <= radius; k++)
        for (int x = begin; x < end; x++)
            out[x] += taps[k] * (in[x - k] + in[x + k]);
    for (int x = end; x < width; x++)
        blur_pixel(taps, radius, in, out, x, width);
}

static void blur_down(const float *taps, int radius, const struct slab *in, int c, int y, float *restrict out)
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

void slab_blur(struct slab *slab, struct slab *scratch, double sigma)
{
    float taps[TAPS_MAX + 1];
    const int radius = slab_blur_margin(sigma), width = slab->width;
    const struct span held = slab->rows;
    const int begin = held.begin == 0 ? 0 : held.begin + radius;
    const int end = held.end == slab->height ? held.end : held.end - radius;
    assert(scratch->width == width && scratch->rows.begin == held.begin && scratch->rows.end == held.end);
    if (radius == 0)
        return;
    gaussian(sigma, radius, taps);
#pragma omp parallel for collapse(2) schedule(static)
    for (int c = 0; c < 3; c++)
        for (int y = held.begin; y < held.end; y++)
            blur_across(taps, radius, slab_row(slab, c, y), slab_row(scratch, c, y), width);
#pragma omp parallel for collapse(2) schedule(static)
    for (int c = 0; c < 3; c++)
        for (int y = begin; y < end; y++)
            blur_down(taps, radius, scratch, c, y, slab_row(slab, c, y));
}
