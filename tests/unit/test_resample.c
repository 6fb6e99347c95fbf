// SPDX-License-Identifier: MIT
// The resampler against the definition of the filter, written again in double precision and in two dimensions at once.
#include "common/resample.h"

#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

static float *noise(size_t count, uint32_t seed)
{
    float *values = malloc(count * sizeof *values);
    CU_ASSERT_PTR_NOT_NULL_FATAL(values);
    uint32_t state = seed * 2654435761u + 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(state >> 8) / (float)(1 << 23) - 1.0f;
    }
    return values;
}

static double kernel(double x)
{
    double a = M_PI * x;
    return fabs(x) >= 3 ? 0 : x == 0 ? 1 : sin(a) / a * sin(a / 3) / (a / 3);
}

static int clamp(int value, int size)
{
    return value < 0 ? 0 : value >= size ? size - 1 : value;
}

// One output pixel by the definition: a weighted mean over every input pixel that the filter reaches, the border repeated.
static double reference(const float *in, int in_width, int in_height, int out_width, int out_height, int x, int y)
{
    double ratio_x = (double)in_width / out_width, ratio_y = (double)in_height / out_height;
    double stretch_x = fmax(ratio_x, 1), stretch_y = fmax(ratio_y, 1);
    double centre_x = (x + 0.5) * ratio_x, centre_y = (y + 0.5) * ratio_y;
    double sum = 0, total = 0;
    for (int j = (int)(centre_y - 3 * stretch_y) - 2; j <= centre_y + 3 * stretch_y + 2; j++)
        for (int i = (int)(centre_x - 3 * stretch_x) - 2; i <= centre_x + 3 * stretch_x + 2; i++) {
            double weight = kernel((i + 0.5 - centre_x) / stretch_x) * kernel((j + 0.5 - centre_y) / stretch_y);
            sum += weight * in[clamp(j, in_height) * in_width + clamp(i, in_width)];
            total += weight;
        }
    return sum / total;
}

static void check_against_reference(int planes, int in_width, int in_height, int out_width, int out_height)
{
    size_t in_plane = (size_t)in_width * (size_t)in_height, out_plane = (size_t)out_width * (size_t)out_height;
    float *in = noise((size_t)planes * in_plane, (uint32_t)(in_width * 31 + out_width));
    float *out = calloc((size_t)planes * out_plane, sizeof *out);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    UNIT_OK(resample(in, planes, in_width, in_height, out, out_width, out_height));
    double worst = 0;
    for (int p = 0; p < planes; p++)
        for (int y = 0; y < out_height; y++)
            for (int x = 0; x < out_width; x++) {
                double expected = reference(in + (size_t)p * in_plane, in_width, in_height, out_width, out_height, x, y);
                double error = fabs(out[(size_t)p * out_plane + (size_t)(y * out_width + x)] - expected);
                worst = error > worst || isnan(error) ? error : worst;
            }
    if (!(worst < 3e-6))
        printf("\n%d x %d to %d x %d: off by %g", in_width, in_height, out_width, out_height, worst);
    CU_ASSERT(worst < 3e-6);
    free(in);
    free(out);
}

static void equals_the_definition(void)
{
    check_against_reference(3, 40, 30, 56, 42);  // the octaves' 1.4, up
    check_against_reference(3, 56, 42, 40, 30);  // and down
    check_against_reference(1, 37, 53, 101, 19); // one up, one down
    check_against_reference(2, 64, 48, 32, 16);  // whole ratios
    check_against_reference(1, 33, 17, 99, 34);
    check_against_reference(1, 20, 20, 21, 20); // one direction only
    check_against_reference(1, 20, 20, 20, 19);
}

static void narrow_images(void)
{
    check_against_reference(2, 1, 1, 7, 5);
    check_against_reference(2, 1, 33, 4, 11);
    check_against_reference(2, 33, 1, 11, 4);
    check_against_reference(1, 30, 20, 1, 1);
    check_against_reference(1, 2, 2, 5, 3);
    check_against_reference(1, 4, 3, 3, 2); // the filter is wider than the image
}

static void huge_ratios(void)
{
    check_against_reference(1, 1000, 3, 2, 3);
    check_against_reference(1, 3, 1000, 3, 1);
    check_against_reference(1, 2, 3, 1500, 3);
}

static void same_size_copies(void)
{
    float *in = noise(3 * 31 * 17, 5);
    float out[3 * 31 * 17];
    UNIT_OK(resample(in, 3, 31, 17, out, 31, 17));
    CU_ASSERT_EQUAL(memcmp(in, out, sizeof out), 0);
    free(in);
}

static void constant_stays(void)
{
    static const int sizes[][4] = {{50, 40, 70, 56}, {70, 56, 50, 40}, {3000, 10, 3, 1}, {1, 1, 100, 100}, {5, 5, 4, 600}};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        size_t in_count = (size_t)sizes[s][0] * (size_t)sizes[s][1], out_count = (size_t)sizes[s][2] * (size_t)sizes[s][3];
        float *in = malloc(in_count * sizeof *in), *out = malloc(out_count * sizeof *out);
        CU_ASSERT_FATAL(in && out);
        for (size_t i = 0; i < in_count; i++)
            in[i] = 0.7f;
        UNIT_OK(resample(in, 1, sizes[s][0], sizes[s][1], out, sizes[s][2], sizes[s][3]));
        double worst = 0;
        for (size_t i = 0; i < out_count; i++)
            worst = fmax(worst, fabs(out[i] - 0.7));
        CU_ASSERT(worst < 2e-6);
        free(in);
        free(out);
    }
}

// What an octave needs: a smooth image comes back from a larger size nearly unchanged, and with its energy.
static void round_trip_of_a_smooth_image(void)
{
    enum { SIDE = 120, LARGE = 168 };
    static float in[SIDE * SIDE], large[LARGE * LARGE], back[SIDE * SIDE];
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            in[y * SIDE + x] = (float)(0.5 * sin(x * 0.21 + 0.3) * cos(y * 0.13) + 0.3 * cos(0.11 * (x + y)));
    UNIT_OK(resample(in, 1, SIDE, SIDE, large, LARGE, LARGE));
    UNIT_OK(resample(large, 1, LARGE, LARGE, back, SIDE, SIDE));
    double energy = 0, energy_back = 0, worst = 0;
    for (int y = 4; y < SIDE - 4; y++)
        for (int x = 4; x < SIDE - 4; x++) {
            double a = in[y * SIDE + x], b = back[y * SIDE + x];
            energy += a * a;
            energy_back += b * b;
            worst = fmax(worst, fabs(a - b));
        }
    CU_ASSERT(fabs(energy_back / energy - 1) < 0.01);
    CU_ASSERT(worst < 0.01);
}

// Stripes finer than the small image can hold must fade to their mean, not fold into coarse stripes.
static void shrinking_does_not_alias(void)
{
    static float in[400 * 8], out[40 * 8];
    for (int i = 0; i < 400 * 8; i++)
        in[i] = (float)sin(2 * M_PI * (i % 400) * 0.3);
    UNIT_OK(resample(in, 1, 400, 8, out, 40, 8));
    for (int i = 0; i < 40 * 8; i++)
        if (i % 40 >= 3 && i % 40 < 37)
            CU_ASSERT(fabsf(out[i]) < 0.02f);
}

static void threads_change_nothing(void)
{
    enum { IN = 3 * 97 * 61, OUT = 3 * 136 * 85 };
    float *in = noise(IN, 9);
    static float one[OUT], many[OUT];
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    UNIT_OK(resample(in, 3, 97, 61, one, 136, 85));
    omp_set_num_threads(7);
    UNIT_OK(resample(in, 3, 97, 61, many, 136, 85));
    omp_set_num_threads(threads);
    CU_ASSERT_EQUAL(memcmp(one, many, sizeof one), 0);
    free(in);
}

static const struct unit_test tests[] = {
    {"equals the definition", equals_the_definition},
    {"sides of 1 pixel and narrower than the filter", narrow_images},
    {"huge ratios", huge_ratios},
    {"the same size copies exactly", same_size_copies},
    {"a constant stays", constant_stays},
    {"up and down again keeps a smooth image", round_trip_of_a_smooth_image},
    {"shrinking does not alias", shrinking_does_not_alias},
    {"threads change nothing", threads_change_nothing},
};
UNIT_MAIN("resample", tests)
