// SPDX-License-Identifier: MIT
// Shaping of the gradient against the definitions, in double and one value at a time.
#include "worker/shaping.h"

#include <omp.h>

#include "naive.h"

static const int sizes[][2] = {{1, 1}, {1, 7}, {9, 1}, {2, 2}, {13, 8}, {31, 57}}; // width, height
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static size_t index_of(int c, int y, int x, int width, int height)
{
    return ((size_t)c * (size_t)height + (size_t)y) * (size_t)width + (size_t)x;
}

#define FOR_SAMPLES(width, height, c, y, x)                                                                                                \
    for (int c = 0; c < 3; c++)                                                                                                            \
        for (int y = 0; y < (height); y++)                                                                                                 \
            for (int x = 0; x < (width); x++)

// Few different values, so that neighbours are often equal.
static float *steps(int width, int height)
{
    const size_t count = naive_count(3, height, width);
    float *values = naive_random(count, 5);
    for (size_t i = 0; i < count; i++)
        values[i] = rintf(values[i] * 2) / 2;
    return values;
}

static double naive_total_variation(const float *image, int width, int height)
{
    double sum = 0;
    FOR_SAMPLES(width, height, c, y, x)
    {
        const float here = image[index_of(c, y, x, width, height)];
        sum += x + 1 < width ? fabs(image[index_of(c, y, x + 1, width, height)] - here) : 0;
        sum += y + 1 < height ? fabs(image[index_of(c, y + 1, x, width, height)] - here) : 0;
    }
    return sum / (3.0 * width * height);
}

static void test_total_variation(void)
{
    for (int k = 0; k < SIZES; k++) {
        const int width = sizes[k][0], height = sizes[k][1];
        float *image = naive_random(naive_count(3, height, width), 4);
        CU_ASSERT(fabs(shaping_total_variation(image, width, height) - naive_total_variation(image, width, height)) < 1e-6);
        free(image);
    }
    const float edge[3 * 2 * 3] = {0, 0, 0, 1, 1, 1}; // one channel, one edge of three samples: 3 of 18
    CU_ASSERT_DOUBLE_EQUAL(shaping_total_variation(edge, 3, 2), 3.0 / 18, 1e-12);
}

// The derivative of |d| is that of its two sides' mean: exact also where neighbours are equal.
static void test_add_total_variation(void)
{
    for (int k = 0; k < SIZES; k++) {
        const int width = sizes[k][0], height = sizes[k][1];
        const size_t count = naive_count(3, height, width);
        float *image = steps(width, height), *gradient = naive_random(count, 6), *before = naive_alloc(count * sizeof *before);
        memcpy(before, gradient, count * sizeof *before);
        shaping_add_total_variation(gradient, image, width, height, 12.5);
        for (size_t i = 0; i < count; i++) {
            const float value = image[i], h = 0.125f; // exact, and less than half of a step
            image[i] = value + h;
            const double above = naive_total_variation(image, width, height);
            image[i] = value - h;
            const double below = naive_total_variation(image, width, height);
            image[i] = value;
            CU_ASSERT(fabs(gradient[i] - (before[i] - 12.5 * (above - below) / (2 * h))) < 1e-5);
        }
        free(before);
        free(gradient);
        free(image);
    }
}

static int clamped(int i, int size)
{
    return i < 0 ? 0 : i >= size ? size - 1 : i;
}

// A Gaussian of both coordinates at once, cut at three sigma along each, the border repeated.
static double naive_smooth(const float *in, int width, int height, double sigma, int c, int y, int x)
{
    const int radius = (int)ceil(3 * sigma);
    double sum = 0, total = 0;
    for (int dy = -radius; dy <= radius; dy++)
        for (int dx = -radius; dx <= radius; dx++) {
            const double weight = exp(-(dx * dx + dy * dy) / (2 * sigma * sigma));
            sum += weight * in[index_of(c, clamped(y + dy, height), clamped(x + dx, width), width, height)];
            total += weight;
        }
    return sum / total;
}

static void test_smooth(void)
{
    static const double sigmas[] = {0.3, 0.5, 1, 2.7};
    for (int k = 0; k < SIZES; k++)
        for (int j = 0; j < 4; j++) {
            const int width = sizes[k][0], height = sizes[k][1];
            const size_t count = naive_count(3, height, width);
            float *before = naive_random(count, 7), *gradient = naive_alloc(count * sizeof *gradient),
                  *scratch = naive_alloc(count * sizeof *scratch);
            double *expected = calloc(count, sizeof *expected);
            memcpy(gradient, before, count * sizeof *gradient);
            shaping_smooth(gradient, scratch, width, height, sigmas[j]);
            FOR_SAMPLES(width, height, c, y, x)
            expected[index_of(c, y, x, width, height)] = naive_smooth(before, width, height, sigmas[j], c, y, x);
            CU_ASSERT(naive_error(gradient, expected, count) < 1e-6);
            free(expected);
            free(scratch);
            free(gradient);
            free(before);
        }
}

static void test_norms(void)
{
    for (int k = 1; k < SIZES; k++) {
        const int width = sizes[k][0], height = sizes[k][1];
        const size_t count = naive_count(3, height, width);
        float *gradient = naive_random(count, 8);
        double mean = 0, variance = 0, square = 0, absolute = 0;
        for (size_t i = 0; i < count; i++) {
            gradient[i] = 1e-6f * (gradient[i] + 0.5f); // small, as gradients are, and not around zero
            mean += gradient[i] / (double)count;
            square += (double)gradient[i] * gradient[i];
            absolute += fabs(gradient[i]);
        }
        for (size_t i = 0; i < count; i++)
            variance += (gradient[i] - mean) * (gradient[i] - mean) / (double)count;
        const struct gradient_norms norms = shaping_norms(gradient, width, height);
        CU_ASSERT_DOUBLE_EQUAL(norms.std / sqrt(variance), 1, 1e-10);
        CU_ASSERT_DOUBLE_EQUAL(norms.rms / sqrt(square / (double)count), 1, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(norms.l2 / sqrt(square), 1, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(norms.mean_abs / (absolute / (double)count), 1, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(shaping_divisor(&norms, NORMALIZE_STD), norms.std + 1e-8, 1e-20);
        CU_ASSERT_DOUBLE_EQUAL(shaping_divisor(&norms, NORMALIZE_RMS), norms.rms + 1e-8, 1e-20);
        CU_ASSERT_DOUBLE_EQUAL(shaping_divisor(&norms, NORMALIZE_MEAN_ABS), norms.mean_abs + 1e-8, 1e-20);
        CU_ASSERT_DOUBLE_EQUAL(shaping_divisor(&norms, NORMALIZE_L2), norms.l2 + 1e-8, 1e-20);
        CU_ASSERT_EQUAL(shaping_divisor(&norms, NORMALIZE_NONE), 1);
        free(gradient);
    }
    // the same value everywhere: rounding must not take the root of something negative
    float same[3 * 5 * 5];
    for (int i = 0; i < 75; i++)
        same[i] = 0.1f;
    CU_ASSERT(shaping_norms(same, 5, 5).std < 1e-7);
}

static void test_ascend(void)
{
    float image[3 * 2 * 2] = {0, 0.5f, -0.5f, 1, -1, 0.999f, -0.999f, 0.25f, 0, 0, 0, 0};
    const float gradient[12] = {1, -1, 2, 1, -1, 1, -1, -2, 100, -100, 0, 1e-3f};
    const float expected[12] = {0.25f, 0.25f, 0, 1, -1, 1, -1, -0.25f, 1, -1, 0, 0.25e-3f};
    shaping_ascend(image, gradient, 2, 2, 0.25);
    for (int i = 0; i < 12; i++)
        CU_ASSERT_DOUBLE_EQUAL(image[i], expected[i], 1e-7);
}

static void test_threads(void)
{
    enum { WIDTH = 61, HEIGHT = 43, COUNT = 3 * WIDTH * HEIGHT };
    const int threads = omp_get_max_threads();
    float *image = steps(WIDTH, HEIGHT), *scratch = naive_alloc(COUNT * sizeof *scratch), *first = NULL;
    for (int n = 1; n <= 4; n++) {
        float *gradient = naive_random(COUNT, 9);
        omp_set_num_threads(n);
        shaping_add_total_variation(gradient, image, WIDTH, HEIGHT, 100);
        shaping_smooth(gradient, scratch, WIDTH, HEIGHT, 1.3);
        shaping_ascend(gradient, image, WIDTH, HEIGHT, 0.3);
        if (!first)
            first = gradient;
        CU_ASSERT(memcmp(first, gradient, COUNT * sizeof *first) == 0);
        if (gradient != first)
            free(gradient);
    }
    omp_set_num_threads(threads);
    free(first);
    free(scratch);
    free(image);
}

static const struct unit_test tests[] = {
    {"total variation", test_total_variation},
    {"its gradient", test_add_total_variation},
    {"smooth", test_smooth},
    {"norms", test_norms},
    {"ascend", test_ascend},
    {"threads", test_threads},
};
UNIT_MAIN("shaping", tests)
