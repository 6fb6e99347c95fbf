// SPDX-License-Identifier: MIT
// Shaping of the gradient against the definitions, in double and one value at a time; and rows split over a team against the whole.
#include "worker/ascent/shaping.h"

#include <omp.h>

#include "naive.h"

static const int sizes[][2] = {{1, 1}, {1, 7}, {9, 1}, {2, 2}, {13, 8}, {31, 57}}; // width, height
enum { SIZES = sizeof sizes / sizeof sizes[0], BANDS_MAX = 8 };

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

// All rows of an octave, in the caller's memory.
static struct slab whole_field(float *data, int width, int height)
{
    return (struct slab){.width = width, .height = height, .rows = {0, height}, .data = data};
}

static struct span whole_band(int height, int band)
{
    const int begin = band * TILING_BAND, end = begin + TILING_BAND;
    return (struct span){begin, end < height ? end : height};
}

// Of some rows: differences to the right and downwards.
static double naive_total_variation(const float *image, int width, int height, struct span rows)
{
    double sum = 0;
    FOR_SAMPLES(width, height, c, y, x)
    {
        const float here = image[index_of(c, y, x, width, height)];
        if (y < rows.begin || y >= rows.end)
            continue;
        sum += x + 1 < width ? fabs(image[index_of(c, y, x + 1, width, height)] - here) : 0;
        sum += y + 1 < height ? fabs(image[index_of(c, y + 1, x, width, height)] - here) : 0;
    }
    return sum;
}

static void test_total_variation(void)
{
    for (int k = 0; k < SIZES; k++) {
        const int width = sizes[k][0], height = sizes[k][1];
        float *image = naive_random(naive_count(3, height, width), 4);
        const struct slab field = whole_field(image, width, height);
        double bands[BANDS_MAX];
        shaping_total_variation(&field, NULL, bands);
        for (int band = 0; band < shaping_bands(field.rows); band++) {
            const double expected = naive_total_variation(image, width, height, whole_band(height, band));
            CU_ASSERT(fabs(bands[band] - expected) <= 1e-6 * expected);
        }
        free(image);
    }
    float edge[3 * 2 * 3] = {0, 0, 0, 1, 1, 1}; // one channel, one edge of three samples
    const struct slab field = whole_field(edge, 3, 2);
    double band;
    shaping_total_variation(&field, NULL, &band);
    CU_ASSERT_EQUAL(band, 3);
}

static void test_bands(void)
{
    static const struct span rows[] = {{0, 0}, {32, 32}, {0, 1}, {0, 16}, {0, 17}, {32, 65}};
    static const int expected[] = {0, 0, 1, 1, 2, 3};
    for (int i = 0; i < 6; i++)
        CU_ASSERT_EQUAL(shaping_bands(rows[i]), expected[i]);
}

// The derivative of |d| is that of its two sides' mean: exact also where neighbours are equal.
static void test_add_total_variation(void)
{
    for (int k = 0; k < SIZES; k++) {
        const int width = sizes[k][0], height = sizes[k][1];
        const size_t count = naive_count(3, height, width);
        const double weight = 12.5 / (double)count;
        float *image = steps(width, height), *gradient = naive_random(count, 6), *before = naive_alloc(count * sizeof *before);
        const struct slab field = whole_field(image, width, height);
        struct slab slopes = whole_field(gradient, width, height);
        memcpy(before, gradient, count * sizeof *before);
        shaping_add_total_variation(&slopes, &field, NULL, NULL, 12.5);
        for (size_t i = 0; i < count; i++) {
            const float value = image[i], h = 0.125f; // exact, and less than half of a step
            image[i] = value + h;
            const double above = naive_total_variation(image, width, height, field.rows);
            image[i] = value - h;
            const double below = naive_total_variation(image, width, height, field.rows);
            image[i] = value;
            CU_ASSERT(fabs(gradient[i] - (before[i] - weight * (above - below) / (2 * h))) < 1e-5);
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
            struct slab field = whole_field(gradient, width, height), between = whole_field(scratch, width, height);
            double *expected = calloc(count, sizeof *expected);
            memcpy(gradient, before, count * sizeof *gradient);
            shaping_smooth(&field, &between, sigmas[j]);
            FOR_SAMPLES(width, height, c, y, x)
            expected[index_of(c, y, x, width, height)] = naive_smooth(before, width, height, sigmas[j], c, y, x);
            CU_ASSERT(naive_error(gradient, expected, count) < 1e-6);
            free(expected);
            free(scratch);
            free(gradient);
            free(before);
        }
}

// No blur, or one too narrow to reach a neighbour, leaves every bit as it is.
static void test_smooth_nothing(void)
{
    enum { WIDTH = 13, HEIGHT = 8, COUNT = 3 * WIDTH * HEIGHT };
    static const double sigmas[] = {0, 1e-200, 1e-3};
    float *before = naive_random(COUNT, 7), gradient[COUNT], scratch[COUNT];
    struct slab field = whole_field(gradient, WIDTH, HEIGHT), between = whole_field(scratch, WIDTH, HEIGHT);
    for (int i = 0; i < 3; i++) {
        memcpy(gradient, before, sizeof gradient);
        shaping_smooth(&field, &between, sigmas[i]);
        CU_ASSERT_EQUAL(memcmp(gradient, before, sizeof gradient), 0);
    }
    CU_ASSERT_EQUAL(shaping_margin(0), 0);
    CU_ASSERT_EQUAL(shaping_margin(0.5), 2);
    CU_ASSERT_EQUAL(shaping_margin(64), 192);
    free(before);
}

static void check_norms(const float *gradient, size_t count, const double sums[SHAPING_SUMS])
{
    double mean = 0, variance = 0, square = 0, absolute = 0;
    for (size_t i = 0; i < count; i++) {
        mean += gradient[i] / (double)count;
        square += (double)gradient[i] * gradient[i];
        absolute += fabs(gradient[i]);
    }
    for (size_t i = 0; i < count; i++)
        variance += (gradient[i] - mean) * (gradient[i] - mean) / (double)count;
    const struct gradient_norms norms = shaping_norms(sums, (double)count);
    CU_ASSERT_DOUBLE_EQUAL(norms.std / sqrt(variance), 1, 1e-10);
    CU_ASSERT_DOUBLE_EQUAL(norms.rms / sqrt(square / (double)count), 1, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(norms.l2 / sqrt(square), 1, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(norms.mean_abs / (absolute / (double)count), 1, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(shaping_divisor(&norms, NORMALIZE_STD), norms.std + 1e-8, 1e-20);
    CU_ASSERT_DOUBLE_EQUAL(shaping_divisor(&norms, NORMALIZE_RMS), norms.rms + 1e-8, 1e-20);
    CU_ASSERT_DOUBLE_EQUAL(shaping_divisor(&norms, NORMALIZE_MEAN_ABS), norms.mean_abs + 1e-8, 1e-20);
    CU_ASSERT_DOUBLE_EQUAL(shaping_divisor(&norms, NORMALIZE_L2), norms.l2 + 1e-8, 1e-20);
    CU_ASSERT_EQUAL(shaping_divisor(&norms, NORMALIZE_NONE), 1);
}

static void check_band_sums(const float *gradient, int width, int height, int band, const double found[SHAPING_SUMS])
{
    const struct span rows = whole_band(height, band);
    double expected[SHAPING_SUMS] = {0};
    for (int c = 0; c < 3; c++)
        for (int y = rows.begin; y < rows.end; y++)
            for (int x = 0; x < width; x++) {
                const double value = gradient[index_of(c, y, x, width, height)];
                expected[0] += value;
                expected[1] += fabs(value);
                expected[2] += value * value;
            }
    CU_ASSERT(fabs(found[0] - expected[0]) <= 1e-12 * expected[1]);
    CU_ASSERT(fabs(found[1] - expected[1]) <= 1e-12 * expected[1]);
    CU_ASSERT(fabs(found[2] - expected[2]) <= 1e-12 * expected[2]);
}

static void test_norms(void)
{
    for (int k = 1; k < SIZES; k++) {
        const int width = sizes[k][0], height = sizes[k][1];
        const size_t count = naive_count(3, height, width);
        float *gradient = naive_random(count, 8);
        const struct slab field = whole_field(gradient, width, height);
        double bands[BANDS_MAX][SHAPING_SUMS], sums[SHAPING_SUMS] = {0};
        for (size_t i = 0; i < count; i++)
            gradient[i] = 1e-6f * (gradient[i] + 0.5f); // small, as gradients are, and not around zero
        shaping_sums(&field, field.rows, bands);
        for (int band = 0; band < shaping_bands(field.rows); band++) {
            check_band_sums(gradient, width, height, band, bands[band]);
            for (int i = 0; i < SHAPING_SUMS; i++)
                sums[i] += bands[band][i];
        }
        check_norms(gradient, count, sums);
        free(gradient);
    }
    // the same value everywhere: rounding must not take the root of something negative
    float same[3 * 5 * 5];
    for (int i = 0; i < 75; i++)
        same[i] = 0.1f;
    const struct slab field = whole_field(same, 5, 5);
    double sums[1][SHAPING_SUMS];
    shaping_sums(&field, field.rows, sums);
    CU_ASSERT(shaping_norms(sums[0], 75).std < 1e-7);
}

static void test_ascend(void)
{
    float image[3 * 2 * 2] = {0, 0.5f, -0.5f, 1, -1, 0.999f, -0.999f, 0.25f, 0, 0, 0, 0};
    float gradient[12] = {1, -1, 2, 1, -1, 1, -1, -2, 100, -100, 0, 1e-3f};
    const float expected[12] = {0.25f, 0.25f, 0, 1, -1, 1, -1, -0.25f, 1, -1, 0, 0.25e-3f};
    const struct slab slopes = whole_field(gradient, 2, 2);
    struct slab field = whole_field(image, 2, 2);
    shaping_ascend(&field, &slopes, 0.25);
    for (int i = 0; i < 12; i++)
        CU_ASSERT_DOUBLE_EQUAL(image[i], expected[i], 1e-7);
}

// Everything that a step does to an octave, from `gradient` to a new `image`; what the gradient is in between is kept.
struct step {
    int width, height;
    double sigma;
    struct slab image, gradient, varied, smoothed, ascended;
    double variation[BANDS_MAX], sums[BANDS_MAX][SHAPING_SUMS];
};

static struct slab copy_rows(const struct slab *of, struct span rows)
{
    struct slab field;
    UNIT_OK(slab_create(&field, of->width, of->height, rows));
    for (int c = 0; c < 3 && rows.begin < rows.end; c++)
        memcpy(slab_row(&field, c, rows.begin), slab_row(of, c, rows.begin), slab_plane(&field) * sizeof(float));
    return field;
}

static struct slab random_field(int width, int height, uint32_t seed)
{
    struct slab field;
    UNIT_OK(slab_create(&field, width, height, (struct span){0, height}));
    naive_fill(field.data, slab_count(&field), seed);
    return field;
}

static const double weight_of_variation = 1e3, step_size = 0.3;

static void step_whole(struct step *s)
{
    const struct span all = {0, s->height};
    s->image = random_field(s->width, s->height, 5);
    for (size_t i = 0; i < slab_count(&s->image); i++)
        s->image.data[i] = rintf(s->image.data[i] * 4) / 4; // neighbours are often equal
    s->gradient = random_field(s->width, s->height, 9);
    s->varied = copy_rows(&s->gradient, all);
    shaping_total_variation(&s->image, NULL, s->variation);
    shaping_add_total_variation(&s->varied, &s->image, NULL, NULL, weight_of_variation);
    s->smoothed = copy_rows(&s->varied, all);
    struct slab scratch = copy_rows(&s->varied, all);
    shaping_smooth(&s->smoothed, &scratch, s->sigma);
    shaping_sums(&s->smoothed, all, s->sums);
    s->ascended = copy_rows(&s->image, all);
    shaping_ascend(&s->ascended, &s->smoothed, step_size);
    slab_destroy(&scratch);
}

static void step_destroy(struct step *s)
{
    slab_destroy(&s->image);
    slab_destroy(&s->gradient);
    slab_destroy(&s->varied);
    slab_destroy(&s->smoothed);
    slab_destroy(&s->ascended);
}

// Whether `part` has the same bytes as the whole in `rows`.
static bool same_rows(const struct slab *part, const struct slab *whole, struct span rows)
{
    bool same = true;
    for (int c = 0; c < 3; c++)
        for (int y = rows.begin; y < rows.end; y++)
            same = same && memcmp(slab_row(part, c, y), slab_row(whole, c, y), (size_t)part->width * sizeof(float)) == 0;
    return same;
}

// One row of the octave, (3, width); NULL outside of it.
static float *neighbour(const struct slab *whole, int y)
{
    return y < 0 || y >= whole->height ? NULL : copy_rows(whole, (struct span){y, y + 1}).data;
}

static struct span grown(struct span rows, int margin, int height)
{
    return (struct span){rows.begin > margin ? rows.begin - margin : 0, rows.end < height - margin ? rows.end + margin : height};
}

// What a member does with its rows, which has the margins of what others did by the time it needs them.
static void check_member(const struct step *s, struct span rows)
{
    const struct span held = rows.begin < rows.end ? grown(rows, shaping_margin(s->sigma), s->height) : rows;
    const int first = rows.begin / TILING_BAND, bands = shaping_bands(rows);
    struct slab image = copy_rows(&s->image, rows), gradient = copy_rows(&s->gradient, held);
    float *above = neighbour(&s->image, rows.begin - 1), *below = neighbour(&s->image, rows.end);
    double variation[BANDS_MAX], sums[BANDS_MAX][SHAPING_SUMS];
    shaping_total_variation(&image, below, variation);
    CU_ASSERT_EQUAL(memcmp(variation, s->variation + first, (size_t)bands * sizeof *variation), 0);
    shaping_add_total_variation(&gradient, &image, above, below, weight_of_variation);
    CU_ASSERT(same_rows(&gradient, &s->varied, rows));
    CU_ASSERT(same_rows(&gradient, &s->gradient, (struct span){held.begin, rows.begin}));
    CU_ASSERT(same_rows(&gradient, &s->gradient, (struct span){rows.end, held.end}));
    slab_destroy(&gradient);

    gradient = copy_rows(&s->varied, held);
    struct slab scratch = copy_rows(&gradient, held);
    memset(scratch.data, 0xff, slab_count(&scratch) * sizeof(float));
    shaping_smooth(&gradient, &scratch, s->sigma);
    CU_ASSERT(same_rows(&gradient, &s->smoothed, rows));
    shaping_sums(&gradient, rows, sums);
    CU_ASSERT_EQUAL(memcmp(sums, s->sums + first, (size_t)bands * sizeof *sums), 0);
    shaping_ascend(&image, &gradient, step_size);
    CU_ASSERT(same_rows(&image, &s->ascended, rows));
    slab_destroy(&scratch);
    slab_destroy(&gradient);
    slab_destroy(&image);
    free(above);
    free(below);
}

// Whole bands for each member, none for some where there are too few.
static void check_team(const struct step *s, int members)
{
    const int bands = shaping_bands((struct span){0, s->height});
    int end = 0;
    for (int m = 0; m < members; m++) {
        const int begin = end, last = bands * (m + 1) / members * TILING_BAND;
        end = last < s->height ? last : s->height;
        check_member(s, (struct span){begin, end});
    }
    CU_ASSERT_EQUAL(end, s->height);
}

// The last sigma's margin is wider than a band, so that it comes from several members.
static void test_teams(void)
{
    static const int octaves[][2] = {{61, 100}, {1, 1}, {9, 33}, {40, 16}, {2, 128}, {33, 17}};
    static const double sigmas[] = {0, 0.5, 2.7, 9};
    const int threads = omp_get_max_threads();
    for (int k = 0; k < 6; k++)
        for (int j = 0; j < 4; j++) {
            struct step step = {.width = octaves[k][0], .height = octaves[k][1], .sigma = sigmas[j]};
            omp_set_num_threads(1);
            step_whole(&step);
            for (int n = 1; n <= 4; n++) {
                omp_set_num_threads(n);
                for (int members = 1; members <= 5; members++)
                    check_team(&step, members);
            }
            step_destroy(&step);
        }
    omp_set_num_threads(threads);
}

static void test_squared_error(void)
{
    for (int k = 0; k < SIZES; k++) {
        const int width = sizes[k][0], height = sizes[k][1];
        float *a = naive_random(naive_count(3, height, width), 4), *b = naive_random(naive_count(3, height, width), 5);
        const struct slab first = whole_field(a, width, height), second = whole_field(b, width, height);
        double bands[BANDS_MAX], all = 0;
        shaping_squared_error(&first, &second, bands);
        for (int band = 0; band < shaping_bands(first.rows); band++) {
            const struct span rows = whole_band(height, band);
            double expected = 0;
            FOR_SAMPLES(width, height, c, y, x)
            {
                const size_t i = index_of(c, y, x, width, height);
                if (y >= rows.begin && y < rows.end)
                    expected += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
            }
            CU_ASSERT(expected > 0 && fabs(bands[band] - expected) <= 1e-12 * expected);
            all += expected;
        }
        const double samples = 3.0 * width * height;
        CU_ASSERT_DOUBLE_EQUAL(shaping_psnr(all, samples), 20 * log10(2 / sqrt(all / samples)), 1e-9);
        shaping_squared_error(&first, &first, bands);
        CU_ASSERT_EQUAL(bands[0], 0);
        free(b);
        free(a);
    }
    CU_ASSERT_DOUBLE_EQUAL(shaping_psnr(4 * 30, 30), 0, 1e-12); // black for white
    CU_ASSERT_DOUBLE_EQUAL(shaping_psnr(0.04 * 30, 30), 20, 1e-12);
    CU_ASSERT(isinf(shaping_psnr(0, 30)) && shaping_psnr(0, 30) > 0);
}

static const struct unit_test tests[] = {
    {"bands", test_bands},
    {"total variation", test_total_variation},
    {"its gradient", test_add_total_variation},
    {"smooth", test_smooth},
    {"nothing to smooth", test_smooth_nothing},
    {"norms", test_norms},
    {"ascend", test_ascend},
    {"any team and any threads: the same bytes", test_teams},
    {"squared error and PSNR", test_squared_error},
};
UNIT_MAIN("shaping", tests)
