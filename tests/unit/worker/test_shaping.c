// SPDX-License-Identifier: MIT
// Shaping of the gradient against the definitions, in double and one value at a time; and of a member's rows against the whole.
#include "worker/ascent/shaping.h"

#include "slab_setup.h"

// The derivative of |d| is that of its two sides' mean: exact also where neighbours are equal.
static void test_total_variation(void)
{
    for (int k = 0; k < SLAB_SIZES; k++) {
        struct slab image = stepped_slab(slab_sizes[k][0], slab_sizes[k][1]), gradient = random_slab(image.width, image.height, 6);
        struct slab before = copy_rows(&gradient, gradient.rows);
        const double weight = 12.5 / (double)slab_count(&image);
        shaping_add_total_variation(&gradient, &image, NULL, NULL, 12.5);
        for (size_t i = 0; i < slab_count(&image); i++) {
            const float value = image.data[i], h = 0.125f; // exact, and less than half of a step
            image.data[i] = value + h;
            const double above = naive_total_variation(&image, image.rows);
            image.data[i] = value - h;
            const double below = naive_total_variation(&image, image.rows);
            image.data[i] = value;
            CU_ASSERT(fabs(gradient.data[i] - (before.data[i] - weight * (above - below) / (2 * h))) < 1e-5);
        }
        slab_destroy(&before);
        slab_destroy(&gradient);
        slab_destroy(&image);
    }
}

static void check_divisors(const float *gradient, size_t count)
{
    const double n = (double)count;
    double moments[SLAB_MOMENTS] = {0}, variance = 0;
    for (size_t i = 0; i < count; i++) {
        moments[0] += gradient[i];
        moments[1] += fabs(gradient[i]);
        moments[2] += (double)gradient[i] * gradient[i];
    }
    for (size_t i = 0; i < count; i++)
        variance += (gradient[i] - moments[0] / n) * (gradient[i] - moments[0] / n) / n;
    CU_ASSERT_DOUBLE_EQUAL((shaping_divisor(moments, n, NORMALIZE_STD) - 1e-8) / sqrt(variance), 1, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL((shaping_divisor(moments, n, NORMALIZE_RMS) - 1e-8) / sqrt(moments[2] / n), 1, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL((shaping_divisor(moments, n, NORMALIZE_L2) - 1e-8) / sqrt(moments[2]), 1, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL((shaping_divisor(moments, n, NORMALIZE_MEAN_ABS) - 1e-8) / (moments[1] / n), 1, 1e-9);
    CU_ASSERT_EQUAL(shaping_divisor(moments, n, NORMALIZE_NONE), 1);
}

static void test_divisors(void)
{
    for (int k = 1; k < SLAB_SIZES; k++) {
        struct slab gradient = random_slab(slab_sizes[k][0], slab_sizes[k][1], 8);
        for (size_t i = 0; i < slab_count(&gradient); i++)
            gradient.data[i] = 1e-6f * (gradient.data[i] + 0.5f); // small, as gradients are, and not around zero
        check_divisors(gradient.data, slab_count(&gradient));
        slab_destroy(&gradient);
    }
    // The same value everywhere: rounding must not take the root of something negative. Nothing anywhere: no division by 0.
    const double same = (double)0.1f, moments[SLAB_MOMENTS] = {75 * same, 75 * same, 75 * same * same * (1 - 1e-16)};
    CU_ASSERT(shaping_divisor(moments, 75, NORMALIZE_STD) < 1e-7);
    CU_ASSERT_EQUAL(shaping_divisor((double[SLAB_MOMENTS]){0}, 75, NORMALIZE_STD), 1e-8);
}

static void test_ascend(void)
{
    float image[3 * 2 * 2] = {0, 0.5f, -0.5f, 1, -1, 0.999f, -0.999f, 0.25f, 0, 0, 0, 0};
    float gradient[12] = {1, -1, 2, 1, -1, 1, -1, -2, 100, -100, 0, 1e-3f};
    const float expected[12] = {0.25f, 0.25f, 0, 1, -1, 1, -1, -0.25f, 1, -1, 0, 0.25e-3f};
    const struct slab slopes = whole_slab(gradient, 2, 2);
    struct slab slab = whole_slab(image, 2, 2);
    shaping_ascend(&slab, &slopes, 0.25, CLIP_CHANNELS);
    for (int i = 0; i < 12; i++)
        CU_ASSERT_DOUBLE_EQUAL(image[i], expected[i], 1e-7);
}

// Lightness as it is, cut; then as far towards the colour as fits.
static void test_clip_colour(void)
{
    float rgb[3 * 4] = {0.5f, 1.5f, 0.9f, -3, /**/ 0.5f, 0.5f, 1.5f, -3, /**/ -0.5f, 0, 0.8f, 2}, was[12];
    struct slab slab = whole_slab(rgb, 4, 1);
    memcpy(was, rgb, sizeof rgb);
    slab_clip(&slab, true);
    for (int x = 0; x < 4; x++) {
        const double r = was[x], g = was[4 + x], b = was[8 + x], y = 0.299 * r + 0.587 * g + 0.114 * b, light = y < -1 ? -1 : y > 1 ? 1 : y;
        double pale = 1;
        for (int c = 0; c < 3; c++) {
            const double away = was[4 * c + x] - light;
            pale = fmin(pale, away > 0 ? (1 - light) / away : away < 0 ? (-1 - light) / away : 1);
        }
        for (int c = 0; c < 3; c++)
            CU_ASSERT_DOUBLE_EQUAL(rgb[4 * c + x], light + pale * (was[4 * c + x] - light), 1e-6);
    }
    CU_ASSERT(rgb[0] == was[0] && rgb[4] == was[4] && rgb[8] == was[8]); // what fits keeps its bytes
    for (int i = 0; i < 12; i++)
        CU_ASSERT(fabsf(rgb[i]) <= 1);
}

static void test_colours(void)
{
    struct slab before = random_slab(13, 8, 3), none = copy_rows(&before, before.rows), half = copy_rows(&before, before.rows),
                full = copy_rows(&before, before.rows);
    double grey = 0, colour = 0;
    shaping_colours(&none, COLOURS_DREAM, 0);
    shaping_colours(&half, COLOURS_DREAM, 0.5);
    shaping_colours(&full, COLOURS_DREAM, 1);
    CU_ASSERT(same_rows(&none, &before, before.rows));
    for (size_t i = 0; i < slab_plane(&before); i++) {
        const float *rgb[3] = {slab_row(&full, 0, 0), slab_row(&full, 1, 0), slab_row(&full, 2, 0)};
        grey += fabsf(rgb[0][i] + rgb[1][i] + rgb[2][i]);
        colour += fabsf(rgb[0][i] - rgb[2][i]);
    }
    CU_ASSERT(colour < 0.1 * grey); // as large a part of random values before: 0.8
    for (size_t i = 0; i < slab_count(&before); i++)
        CU_ASSERT_DOUBLE_EQUAL(half.data[i], 0.5 * (before.data[i] + full.data[i]), 1e-6);
    shaping_colours(&none, COLOURS_ORIGINAL, 0.5);
    for (size_t i = 0; i < slab_plane(&before); i++)
        for (int c = 0; c < 3; c++) {
            const float *from = slab_row(&before, 0, 0) + i;
            const double mean = ((double)from[0] + from[slab_plane(&before)] + from[2 * slab_plane(&before)]) / 3;
            CU_ASSERT_DOUBLE_EQUAL(slab_row(&none, c, 0)[i], mean, 1e-6);
        }
    slab_destroy(&before);
    slab_destroy(&none);
    slab_destroy(&half);
    slab_destroy(&full);
}

static void test_band_scales(void)
{
    const double mean_squares[4] = {4, 0.25, 0, 1};
    float scales[4];
    shaping_band_scales(mean_squares, 4, 0.5, scales);
    CU_ASSERT_DOUBLE_EQUAL(scales[0], 0.5, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(scales[1], 2 * sqrt(2), 1e-6);
    CU_ASSERT(isfinite(scales[2]));
    CU_ASSERT_DOUBLE_EQUAL(scales[3], 2 * sqrt(2), 1e-6);
}

static const double weight_of_variation = 1e3, step_size = 0.3;
static struct slab original, slopes, varied, ascended;

static void forget(void)
{
    slab_destroy(&original);
    slab_destroy(&slopes);
    slab_destroy(&varied);
    slab_destroy(&ascended);
}

static void shape_whole(int width, int height)
{
    forget();
    original = stepped_slab(width, height);
    slopes = random_slab(width, height, 9);
    varied = copy_rows(&slopes, slopes.rows);
    shaping_add_total_variation(&varied, &original, NULL, NULL, weight_of_variation);
    ascended = copy_rows(&original, original.rows);
    shaping_ascend(&ascended, &varied, step_size, CLIP_COLOUR);
}

// A member's gradient has a margin, which stays as it is.
static void check_member(struct span rows)
{
    const struct span held = tiling_grown(rows, 5, original.height);
    struct slab image = copy_rows(&original, rows), gradient = copy_rows(&slopes, held);
    float *above = neighbour(&original, rows.begin - 1), *below = neighbour(&original, rows.end);
    shaping_add_total_variation(&gradient, &image, above, below, weight_of_variation);
    CU_ASSERT(same_rows(&gradient, &varied, rows));
    CU_ASSERT(same_rows(&gradient, &slopes, (struct span){held.begin, rows.begin}));
    CU_ASSERT(same_rows(&gradient, &slopes, (struct span){rows.end, held.end}));
    shaping_ascend(&image, &gradient, step_size, CLIP_COLOUR);
    CU_ASSERT(same_rows(&image, &ascended, rows));
    slab_destroy(&gradient);
    slab_destroy(&image);
    free(above);
    free(below);
}

static void test_teams(void)
{
    for_each_member(shape_whole, check_member);
    forget();
}

static const struct unit_test tests[] = {
    {"the gradient of total variation", test_total_variation},
    {"divisors", test_divisors},
    {"ascend", test_ascend},
    {"clipped colours", test_clip_colour},
    {"colours of natural pictures", test_colours},
    {"scales of bands", test_band_scales},
    {"any team and any threads: the same bytes", test_teams},
};
UNIT_MAIN("shaping", tests)
