// SPDX-License-Identifier: MIT
// The pyramid against its definition, one value at a time; and of a member's rows against the whole.
#include "worker/team/slab_pyramid.h"

#include "slab_setup.h"

// One plane of a level.
struct level {
    int width, height;
    double *values;
};

static int clamped(int i, int size)
{
    return i < 0 ? 0 : i >= size ? size - 1 : i;
}

static double *value_at(const struct level *level, int y, int x)
{
    return &level->values[(size_t)clamped(y, level->height) * (size_t)level->width + (size_t)clamped(x, level->width)];
}

static const double taps[5] = {0.0625, 0.25, 0.375, 0.25, 0.0625};

static struct level naive_level(int width, int height)
{
    return (struct level){width, height, calloc((size_t)width * (size_t)height, sizeof(double))};
}

static struct level naive_shrink(const struct level *of)
{
    struct level level = naive_level((of->width + 1) / 2, (of->height + 1) / 2);
    for (int y = 0; y < level.height; y++)
        for (int x = 0; x < level.width; x++)
            for (int j = 0; j < 5; j++)
                for (int i = 0; i < 5; i++)
                    *value_at(&level, y, x) += taps[j] * taps[i] * *value_at(of, 2 * y + j - 2, 2 * x + i - 2);
    return level;
}

// At (y, x) of the finer level: the taps, doubled, where they meet a value of the coarser one.
static double naive_enlarged(const struct level *of, int y, int x)
{
    double sum = 0;
    for (int j = -2; j <= 2; j++)
        for (int i = -2; i <= 2; i++)
            if ((y + j) % 2 == 0 && (x + i) % 2 == 0)
                sum += 4 * taps[j + 2] * taps[i + 2] * *value_at(of, (y + j) / 2, (x + i) / 2);
    return sum;
}

static void naive_add_enlarged(const struct level *from, double scale, const struct level *to)
{
    for (int y = 0; y < to->height; y++)
        for (int x = 0; x < to->width; x++)
            *value_at(to, y, x) += scale * naive_enlarged(from, y, x);
}

static const float scales[SLAB_PYRAMID_MAX] = {0.5f, 2, 0.25f, 3, 1.5f};

// One plane split, with the sums of squares of its bands, and joined again.
static void naive_plane(const float *plane, int width, int height, int bands, double *squares, double *joined)
{
    struct level levels[SLAB_PYRAMID_MAX] = {naive_level(width, height)};
    for (int i = 0; i < width * height; i++)
        levels[0].values[i] = plane[i];
    for (int l = 1; l < bands; l++)
        levels[l] = naive_shrink(&levels[l - 1]);
    for (int l = 0; l < bands - 1; l++)
        naive_add_enlarged(&levels[l + 1], -1, &levels[l]);
    for (int l = bands - 1; l >= 0; l--) {
        for (int i = 0; i < levels[l].width * levels[l].height; i++) {
            squares[l] += levels[l].values[i] * levels[l].values[i];
            levels[l].values[i] *= scales[l];
        }
        if (l < bands - 1)
            naive_add_enlarged(&levels[l + 1], 1, &levels[l]);
    }
    memcpy(joined, levels[0].values, (size_t)width * (size_t)height * sizeof *joined);
    for (int l = 0; l < bands; l++)
        free(levels[l].values);
}

// Splits and joins these rows of the slab; the sums of squares of `rows`.
static struct slab reshaped(const struct slab *of, struct span held, struct span rows, int bands, double sums[][SLAB_PYRAMID_MAX])
{
    struct slab slab = copy_rows(of, held);
    struct slab_pyramid *pyramid;
    UNIT_OK(slab_pyramid_create(&pyramid, of->width, of->height, held, bands));
    slab_pyramid_split(pyramid, &slab, rows, sums[0], SLAB_PYRAMID_MAX);
    slab_pyramid_join(pyramid, scales);
    slab_pyramid_destroy(&pyramid);
    return slab;
}

static void check_definition(int width, int height, int bands)
{
    double sums[BANDS_MAX][SLAB_PYRAMID_MAX] = {{0}}, squares[SLAB_PYRAMID_MAX] = {0};
    struct slab before = random_slab(width, height, 7), after = reshaped(&before, before.rows, before.rows, bands, sums);
    double *expected = calloc(slab_count(&before), sizeof *expected);
    for (int c = 0; c < 3; c++)
        naive_plane(slab_row(&before, c, 0), width, height, bands, squares, expected + (size_t)c * slab_plane(&before));
    CU_ASSERT(naive_error(after.data, expected, slab_count(&before)) < 1e-6);
    for (int l = 0; l < bands; l++) {
        double sum = 0;
        for (int band = 0; band < slab_bands(before.rows); band++)
            sum += sums[band][l];
        CU_ASSERT(fabs(sum - squares[l]) <= 1e-5 * squares[0]);
    }
    free(expected);
    slab_destroy(&before);
    slab_destroy(&after);
}

static void test_definition(void)
{
    for (int k = 0; k < SLAB_SIZES; k++)
        for (int bands = 2; bands <= SLAB_PYRAMID_MAX; bands++)
            check_definition(slab_sizes[k][0], slab_sizes[k][1], bands);
    check_definition(96, 100, SLAB_PYRAMID_MAX);
}

static void test_counts(void)
{
    struct slab_pyramid *pyramid;
    UNIT_OK(slab_pyramid_create(&pyramid, 101, 64, (struct span){0, 64}, 3));
    CU_ASSERT_EQUAL(slab_pyramid_count(pyramid, 0), 3 * 101 * 64);
    CU_ASSERT_EQUAL(slab_pyramid_count(pyramid, 1), 3 * 51 * 32);
    CU_ASSERT_EQUAL(slab_pyramid_count(pyramid, 2), 3 * 26 * 16);
    slab_pyramid_destroy(&pyramid);
}

static struct slab original, whole[SLAB_PYRAMID_MAX + 1];
static double whole_sums[SLAB_PYRAMID_MAX + 1][BANDS_MAX][SLAB_PYRAMID_MAX];

static void forget(void)
{
    slab_destroy(&original);
    for (int bands = 2; bands <= SLAB_PYRAMID_MAX; bands++)
        slab_destroy(&whole[bands]);
}

static void shape_whole(int width, int height)
{
    forget();
    original = random_slab(width, height, 9);
    for (int bands = 2; bands <= SLAB_PYRAMID_MAX; bands++)
        whole[bands] = reshaped(&original, original.rows, original.rows, bands, whole_sums[bands]);
}

static void check_member(struct span rows)
{
    for (int bands = 2; bands <= SLAB_PYRAMID_MAX; bands++) {
        double sums[BANDS_MAX][SLAB_PYRAMID_MAX];
        struct slab part = reshaped(&original, tiling_grown(rows, slab_pyramid_margin(bands), original.height), rows, bands, sums);
        CU_ASSERT(same_rows(&part, &whole[bands], rows));
        for (int band = 0; band < slab_bands(rows); band++)
            CU_ASSERT(memcmp(sums[band], whole_sums[bands][rows.begin / TILING_BAND + band], (size_t)bands * sizeof(double)) == 0);
        slab_destroy(&part);
    }
}

static void test_teams(void)
{
    for_each_member(shape_whole, check_member);
    forget();
}

static const struct unit_test tests[] = {
    {"the definition", test_definition},
    {"values of the bands", test_counts},
    {"any team and any threads: the same bytes", test_teams},
};
UNIT_MAIN("slab_pyramid", tests)
