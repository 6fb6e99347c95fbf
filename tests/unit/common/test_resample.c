// SPDX-License-Identifier: MIT
// The resampler against the definition of the filter, written again in double precision and in two dimensions at once.
#include "common/picture/resample.h"

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

// What a member of a team does: it holds the input rows that its output rows are made from, and perhaps some more.
struct sizes {
    int planes, in_width, in_height, out_width, out_height;
};

static size_t rows_size(struct span rows, int width)
{
    return (size_t)(rows.end - rows.begin) * (size_t)width;
}

static void check_member(const struct sizes *s, const float *in, const float *whole, struct span out_rows, int more)
{
    const struct span reach = resample_reach(s->in_height, s->out_height, out_rows);
    CU_ASSERT_FATAL(0 <= reach.begin && reach.begin <= reach.end && reach.end <= s->in_height);
    CU_ASSERT_EQUAL(reach.begin < reach.end, out_rows.begin < out_rows.end);
    const struct span held = {reach.begin > more ? reach.begin - more : 0,
                              reach.end < s->in_height - more ? reach.end + more : s->in_height};
    const size_t in_size = rows_size(held, s->in_width), between_size = rows_size(held, s->out_width);
    const size_t out_size = rows_size(out_rows, s->out_width), planes = (size_t)s->planes;
    // of exactly these sizes, so that a sanitizer sees any access beyond them
    float *strip = malloc(planes * in_size * sizeof *strip), *between = malloc(planes * between_size * sizeof *between);
    float *out = malloc(planes * out_size * sizeof *out);
    for (size_t p = 0; p < planes; p++)
        memcpy(strip + p * in_size, in + (p * (size_t)s->in_height + (size_t)held.begin) * (size_t)s->in_width, in_size * sizeof *strip);
    UNIT_OK(resample_across(strip, (int64_t)s->planes * (held.end - held.begin), s->in_width, between, s->out_width));
    UNIT_OK(resample_down(between, held, s->planes, s->out_width, s->in_height, out, out_rows, s->out_height));
    int different = 0;
    for (size_t p = 0; p < planes; p++) {
        const float *expected = whole + (p * (size_t)s->out_height + (size_t)out_rows.begin) * (size_t)s->out_width;
        different += memcmp(out + p * out_size, expected, out_size * sizeof *out) != 0;
    }
    CU_ASSERT_EQUAL(different, 0);
    free(strip);
    free(between);
    free(out);
}

static int draw(uint32_t *state, int below)
{
    *state = *state * 1664525u + 1013904223u;
    return (int)((*state >> 8) % (uint32_t)below);
}

static int draw_side(uint32_t *state, int other)
{
    const int kind = draw(state, 6);
    return kind == 0 ? 1 : kind == 1 ? other : 1 + draw(state, 70);
}

static int compare_cuts(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void split_over_members(void)
{
    enum { MEMBERS_MAX = 7 };
    uint32_t state = 11;
    const int threads = omp_get_max_threads();
    for (int round = 0; round < 600; round++) {
        struct sizes s = {.planes = 1 + draw(&state, 3), .in_width = draw_side(&state, 2), .in_height = draw_side(&state, 3)};
        s.out_width = draw_side(&state, s.in_width);
        s.out_height = draw_side(&state, s.in_height);
        float *in = noise((size_t)s.planes * (size_t)s.in_width * (size_t)s.in_height, (uint32_t)round);
        float *whole = malloc((size_t)s.planes * (size_t)s.out_width * (size_t)s.out_height * sizeof *whole);
        UNIT_OK(resample(in, s.planes, s.in_width, s.in_height, whole, s.out_width, s.out_height));
        const int members = 1 + draw(&state, MEMBERS_MAX);
        int cuts[MEMBERS_MAX + 1] = {0};
        for (int m = 1; m < members; m++)
            cuts[m] = draw(&state, s.out_height + 1);
        cuts[members] = s.out_height;
        qsort(cuts, (size_t)members + 1, sizeof *cuts, compare_cuts);
        omp_set_num_threads(1 + round % 4);
        for (int m = 0; m < members; m++)
            check_member(&s, in, whole, (struct span){cuts[m], cuts[m + 1]}, round % 2 ? draw(&state, 9) : 0);
        omp_set_num_threads(threads);
        free(in);
        free(whole);
    }
}

static void no_rows(void)
{
    const struct span none = {0, 0};
    const struct span reach = resample_reach(20, 30, (struct span){30, 30});
    CU_ASSERT_EQUAL(reach.begin, reach.end);
    UNIT_OK(resample_across(NULL, 0, 20, NULL, 30));
    UNIT_OK(resample_across(NULL, 0, 20, NULL, 20));
    UNIT_OK(resample_down(NULL, none, 3, 10, 20, NULL, (struct span){17, 17}, 30));
    UNIT_OK(resample_down(NULL, none, 3, 10, 20, NULL, none, 20));
}

static void same_size_copies_rows(void)
{
    enum { WIDTH = 7, HEIGHT = 20, BEGIN = 6, END = 11, COUNT = (END - BEGIN) * WIDTH };
    float *in = noise(2 * HEIGHT * WIDTH, 6), out[2 * COUNT], copy[2 * HEIGHT * WIDTH];
    UNIT_OK(resample_across(in, 2 * HEIGHT, WIDTH, copy, WIDTH));
    CU_ASSERT_EQUAL(memcmp(in, copy, sizeof copy), 0);
    UNIT_OK(resample_down(in, (struct span){0, HEIGHT}, 2, WIDTH, HEIGHT, out, (struct span){BEGIN, END}, HEIGHT));
    CU_ASSERT_EQUAL(memcmp(out, in + BEGIN * WIDTH, COUNT * sizeof *out), 0);
    CU_ASSERT_EQUAL(memcmp(out + COUNT, in + (HEIGHT + BEGIN) * WIDTH, COUNT * sizeof *out), 0);
    const struct span reach = resample_reach(HEIGHT, HEIGHT, (struct span){BEGIN, END});
    CU_ASSERT(reach.begin == BEGIN && reach.end == END);
    free(in);
}

// Three lobes to both sides of the outermost pixels' centres, times the ratio when shrinking.
static void reach_is_narrow(void)
{
    struct span reach = resample_reach(1000, 2000, (struct span){1000, 1002});
    CU_ASSERT(reach.begin == 497 && reach.end == 504);
    reach = resample_reach(2000, 1000, (struct span){500, 501});
    CU_ASSERT(reach.begin == 995 && reach.end == 1007);
    reach = resample_reach(1000, 1400, (struct span){0, 14});
    CU_ASSERT(reach.begin == 0 && reach.end >= 13 && reach.end <= 14);
    reach = resample_reach(1000, 1400, (struct span){1386, 1400});
    CU_ASSERT(reach.begin >= 986 && reach.begin <= 987 && reach.end == 1000);
}

// A few rows of an image so tall that the weights of all its rows would fill the memory and take minutes.
static void strip_of_a_tall_image(void)
{
    enum { HEIGHT = 1 << 29, ROW = 777777777 };
    const struct span out_rows = {ROW, ROW + 3}, reach = resample_reach(HEIGHT, 2 * HEIGHT, out_rows);
    float in[16], out[3] = {0};
    CU_ASSERT_FATAL(reach.end - reach.begin <= 16);
    for (int i = 0; i < 16; i++)
        in[i] = 0.7f;
    UNIT_OK(resample_down(in, reach, 1, 1, HEIGHT, out, out_rows, 2 * HEIGHT));
    for (int i = 0; i < 3; i++)
        CU_ASSERT_DOUBLE_EQUAL(out[i], 0.7, 2e-6);
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
    {"rows split over members give the same bytes", split_over_members},
    {"no rows", no_rows},
    {"the same size copies rows", same_size_copies_rows},
    {"the reach is narrow", reach_is_narrow},
    {"a strip of a tall image is cheap", strip_of_a_tall_image},
};
UNIT_MAIN("resample", tests)
