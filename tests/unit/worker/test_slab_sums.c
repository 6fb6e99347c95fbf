// SPDX-License-Identifier: MIT
// Sums over bands of rows against the definitions, in double and one value at a time; and over a member's rows against the whole.
#include "worker/team/slab_sums.h"

#include "slab_setup.h"

static void test_bands(void)
{
    static const struct span rows[] = {{0, 0}, {32, 32}, {0, 1}, {0, 16}, {0, 17}, {32, 65}};
    static const int expected[] = {0, 0, 1, 1, 2, 3};
    for (int i = 0; i < 6; i++)
        CU_ASSERT_EQUAL(slab_bands(rows[i]), expected[i]);
    CU_ASSERT(slab_band(rows[5], 1).begin == 48 && slab_band(rows[5], 1).end == 64);
    CU_ASSERT(slab_band(rows[5], 2).begin == 64 && slab_band(rows[5], 2).end == 65);
}

// What the functions find is `stride` apart, and nothing else is touched.
static void check_stride(const double *bands, int count, int width, int stride)
{
    for (int b = 0; b < count; b++)
        for (int k = width; k < stride; k++)
            CU_ASSERT_EQUAL(bands[b * stride + k], -7);
}

static void test_total_variation(void)
{
    for (int k = 0; k < SLAB_SIZES; k++) {
        struct slab slab = random_slab(slab_sizes[k][0], slab_sizes[k][1], 4);
        double bands[2 * BANDS_MAX];
        for (int i = 0; i < 2 * BANDS_MAX; i++)
            bands[i] = -7;
        slab_total_variation(&slab, NULL, bands, 2);
        for (int b = 0; b < slab_bands(slab.rows); b++)
            CU_ASSERT(fabs(bands[2 * b] - naive_total_variation(&slab, slab_band(slab.rows, b))) <= 1e-6 * bands[2 * b]);
        check_stride(bands, BANDS_MAX, 1, 2);
        slab_destroy(&slab);
    }
    float edge[3 * 2 * 3] = {0, 0, 0, 1, 1, 1}; // one channel, one edge of three samples
    const struct slab slab = whole_slab(edge, 3, 2);
    double band;
    slab_total_variation(&slab, NULL, &band, 1);
    CU_ASSERT_EQUAL(band, 3);
}

static void naive_sums(const struct slab *a, const struct slab *b, struct span rows, double moments[SLAB_MOMENTS], double *squared_error)
{
    *squared_error = moments[0] = moments[1] = moments[2] = 0;
    for (int c = 0; c < 3; c++)
        for (int y = rows.begin; y < rows.end; y++)
            for (int x = 0; x < a->width; x++) {
                const double value = slab_row(a, c, y)[x], other = slab_row(b, c, y)[x];
                moments[0] += value;
                moments[1] += fabs(value);
                moments[2] += value * value;
                *squared_error += (value - other) * (value - other);
            }
}

static void test_moments_and_squared_error(void)
{
    enum { STRIDE = SLAB_MOMENTS + 2 };
    for (int k = 0; k < SLAB_SIZES; k++) {
        struct slab a = random_slab(slab_sizes[k][0], slab_sizes[k][1], 4), b = random_slab(slab_sizes[k][0], slab_sizes[k][1], 5);
        double bands[STRIDE * BANDS_MAX];
        for (int i = 0; i < STRIDE * BANDS_MAX; i++)
            bands[i] = -7;
        slab_moments(&a, a.rows, bands, STRIDE);
        slab_squared_error(&a, &b, bands + SLAB_MOMENTS, STRIDE);
        for (int band = 0; band < slab_bands(a.rows); band++) {
            const double *found = bands + band * STRIDE;
            double moments[SLAB_MOMENTS], squared_error;
            naive_sums(&a, &b, slab_band(a.rows, band), moments, &squared_error);
            for (int i = 0; i < SLAB_MOMENTS; i++)
                CU_ASSERT(fabs(found[i] - moments[i]) <= 1e-12 * moments[1]);
            CU_ASSERT(squared_error > 0 && fabs(found[SLAB_MOMENTS] - squared_error) <= 1e-12 * squared_error);
        }
        check_stride(bands, BANDS_MAX, SLAB_MOMENTS + 1, STRIDE);
        slab_squared_error(&a, &a, bands, 1);
        CU_ASSERT_EQUAL(bands[0], 0);
        slab_destroy(&a);
        slab_destroy(&b);
    }
}

static void test_psnr(void)
{
    CU_ASSERT_DOUBLE_EQUAL(slab_psnr(4 * 30, 30), 0, 1e-12); // black for white
    CU_ASSERT_DOUBLE_EQUAL(slab_psnr(0.04 * 30, 30), 20, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(slab_psnr(1.7, 30), 20 * log10(2 / sqrt(1.7 / 30)), 1e-9);
    CU_ASSERT(isinf(slab_psnr(0, 30)) && slab_psnr(0, 30) > 0);
}

// The whole octave's, by one thread.
static struct {
    struct slab image, other;
    double variation[BANDS_MAX], error[BANDS_MAX], moments[BANDS_MAX][SLAB_MOMENTS];
} known;

static void find_sums(int width, int height)
{
    slab_destroy(&known.image);
    slab_destroy(&known.other);
    known.image = stepped_slab(width, height);
    known.other = random_slab(width, height, 9);
    slab_total_variation(&known.image, NULL, known.variation, 1);
    slab_squared_error(&known.image, &known.other, known.error, 1);
    slab_moments(&known.other, known.other.rows, known.moments[0], SLAB_MOMENTS);
}

// Moments may be those of some of the rows that are held.
static void check_member(struct span rows)
{
    const int first = rows.begin / TILING_BAND;
    const size_t bands = (size_t)slab_bands(rows);
    struct slab image = copy_rows(&known.image, rows), other = copy_rows(&known.other, rows);
    struct slab more = copy_rows(&known.other, tiling_grown(rows, 3, known.other.height));
    float *below = neighbour(&known.image, rows.end);
    double sums[BANDS_MAX], moments[BANDS_MAX][SLAB_MOMENTS];
    slab_total_variation(&image, below, sums, 1);
    CU_ASSERT_EQUAL(memcmp(sums, known.variation + first, bands * sizeof *sums), 0);
    slab_squared_error(&image, &other, sums, 1);
    CU_ASSERT_EQUAL(memcmp(sums, known.error + first, bands * sizeof *sums), 0);
    slab_moments(&more, rows, moments[0], SLAB_MOMENTS);
    CU_ASSERT_EQUAL(memcmp(moments, known.moments + first, bands * sizeof *moments), 0);
    slab_destroy(&image);
    slab_destroy(&other);
    slab_destroy(&more);
    free(below);
}

static void test_teams(void)
{
    for_each_member(find_sums, check_member);
    slab_destroy(&known.image);
    slab_destroy(&known.other);
}

static const struct unit_test tests[] = {
    {"bands", test_bands},
    {"total variation", test_total_variation},
    {"moments, squared error", test_moments_and_squared_error},
    {"PSNR", test_psnr},
    {"any team and any threads: the same bytes", test_teams},
};
UNIT_MAIN("slab_sums", tests)
