// SPDX-License-Identifier: MIT
#include "worker/shaping.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static float sign(float x)
{
    return (float)((x > 0) - (x < 0));
}

double shaping_total_variation(const float *image, int width, int height)
{
    const size_t w = (size_t)width;
    double total = 0;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < height; y++) {
            const float *row = image + ((size_t)c * (size_t)height + (size_t)y) * w;
            double across = 0, down = 0;
            for (int x = 0; x + 1 < width; x++)
                across += fabsf(row[x + 1] - row[x]);
            for (int x = 0; y + 1 < height && x < width; x++)
                down += fabsf(row[w + (size_t)x] - row[x]);
            total += across + down;
        }
    return total / (3.0 * width * height);
}

void shaping_add_total_variation(float *gradient, const float *image, int width, int height, double weight)
{
    const size_t w = (size_t)width;
    const float scale = (float)(weight / (3.0 * width * height));
#pragma omp parallel for collapse(2) schedule(static)
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < height; y++) {
            const size_t at = ((size_t)c * (size_t)height + (size_t)y) * w;
            const float *row = image + at;
            for (int x = 0; x < width; x++) {
                float slope = 0;
                if (x > 0)
                    slope += sign(row[x] - row[x - 1]);
                if (x + 1 < width)
                    slope -= sign(row[x + 1] - row[x]);
                if (y > 0)
                    slope += sign(row[x] - row[x - (ptrdiff_t)w]);
                if (y + 1 < height)
                    slope -= sign(row[w + (size_t)x] - row[x]);
                gradient[at + (size_t)x] -= scale * slope;
            }
        }
}

enum { SMOOTH_TAPS_MAX = 256 }; // to one side

static int gaussian(double sigma, float taps[SMOOTH_TAPS_MAX + 1])
{
    int radius = (int)ceil(3 * sigma);
    if (radius > SMOOTH_TAPS_MAX)
        radius = SMOOTH_TAPS_MAX;
    double sum = 0;
    for (int i = 0; i <= radius; i++)
        sum += (i ? 2 : 1) * exp(-0.5 * i * i / (sigma * sigma));
    for (int i = 0; i <= radius; i++)
        taps[i] = (float)(exp(-0.5 * i * i / (sigma * sigma)) / sum);
    return radius;
}

static int clamped(int i, int size)
{
    return i < 0 ? 0 : i >= size ? size - 1 : i;
}

void shaping_smooth(float *gradient, float *scratch, int width, int height, double sigma)
{
    float taps[SMOOTH_TAPS_MAX + 1];
    const int radius = gaussian(sigma, taps);
    const size_t w = (size_t)width;
#pragma omp parallel for schedule(static)
    for (int r = 0; r < 3 * height; r++) {
        const float *in = gradient + (size_t)r * w;
        float *out = scratch + (size_t)r * w;
        for (int x = 0; x < width; x++) {
            float sum = taps[0] * in[x];
            for (int k = 1; k <= radius; k++)
                sum += taps[k] * (in[clamped(x - k, width)] + in[clamped(x + k, width)]);
            out[x] = sum;
        }
    }
#pragma omp parallel for schedule(static)
    for (int r = 0; r < 3 * height; r++) {
        const float *plane = scratch + (size_t)(r / height) * (size_t)height * w;
        const int y = r % height;
        float *out = gradient + (size_t)r * w;
        for (int x = 0; x < width; x++)
            out[x] = taps[0] * plane[(size_t)y * w + (size_t)x];
        for (int k = 1; k <= radius; k++) {
            const float *above = plane + (size_t)clamped(y - k, height) * w, *below = plane + (size_t)clamped(y + k, height) * w;
            for (int x = 0; x < width; x++)
                out[x] += taps[k] * (above[x] + below[x]);
        }
    }
}

struct gradient_norms shaping_norms(const float *gradient, int width, int height)
{
    double sum = 0, sum_abs = 0, sum_square = 0;
    for (int r = 0; r < 3 * height; r++) {
        const float *row = gradient + (size_t)r * (size_t)width;
        double s = 0, a = 0, q = 0;
        for (int x = 0; x < width; x++) {
            s += row[x];
            a += fabsf(row[x]);
            q += (double)row[x] * row[x];
        }
        sum += s;
        sum_abs += a;
        sum_square += q;
    }
    const double n = 3.0 * width * height, mean = sum / n, variance = sum_square / n - mean * mean;
    return (struct gradient_norms){
        .std = sqrt(variance > 0 ? variance : 0), .rms = sqrt(sum_square / n), .mean_abs = sum_abs / n, .l2 = sqrt(sum_square)};
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

void shaping_ascend(float *image, const float *gradient, int width, int height, double step)
{
    const size_t count = 3 * (size_t)width * (size_t)height;
    const float scale = (float)step;
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++) {
        const float value = image[i] + scale * gradient[i];
        image[i] = value < -1 ? -1 : value > 1 ? 1 : value;
    }
}
