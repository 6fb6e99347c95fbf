// SPDX-License-Identifier: MIT
// Blur against the definition, one value at a time; and of a member's rows against the whole.
#include "worker/team/slab_blur.h"

#include "slab_setup.h"

static int clamped(int i, int size)
{
    return i < 0 ? 0 : i >= size ? size - 1 : i;
}

// A Gaussian of both coordinates at once, cut at three sigma along each, the border repeated.
static double naive_blur(const struct slab *in, double sigma, int c, int y, int x)
{
    const int radius = (int)ceil(3 * sigma);
    double sum = 0, total = 0;
    for (int dy = -radius; dy <= radius; dy++)
        for (int dx = -radius; dx <= radius; dx++) {
            const double weight = exp(-(dx * dx + dy * dy) / (2 * sigma * sigma));
            sum += weight * slab_row(in, c, clamped(y + dy, in->height))[clamped(x + dx, in->width)];
            total += weight;
        }
    return sum / total;
}

static struct slab blurred(const struct slab *of, struct span rows, double sigma)
{
    struct slab slab = copy_rows(of, rows), scratch = copy_rows(of, rows);
    slab_fill(&scratch, NAN);
    slab_blur(&slab, &scratch, sigma);
    slab_destroy(&scratch);
    return slab;
}

static void check_definition(int width, int height, double sigma)
{
    struct slab before = random_slab(width, height, 7), after = blurred(&before, before.rows, sigma);
    const size_t count = slab_count(&before);
    double *expected = calloc(count, sizeof *expected), *value = expected;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                *value++ = naive_blur(&before, sigma, c, y, x);
    CU_ASSERT(naive_error(after.data, expected, count) < 1e-6);
    free(expected);
    slab_destroy(&before);
    slab_destroy(&after);
}

static void test_definition(void)
{
    static const double sigmas[] = {0.3, 0.5, 1, 2.7};
    for (int k = 0; k < SLAB_SIZES; k++)
        for (int j = 0; j < 4; j++)
            check_definition(slab_sizes[k][0], slab_sizes[k][1], sigmas[j]);
}

// No blur, or one too narrow to reach a neighbour, leaves every bit as it is.
static void test_nothing(void)
{
    static const double sigmas[] = {0, 1e-200, 1e-3};
    struct slab before = random_slab(13, 8, 7);
    for (int i = 0; i < 3; i++) {
        struct slab after = blurred(&before, before.rows, sigmas[i]);
        CU_ASSERT(same_rows(&after, &before, before.rows));
        slab_destroy(&after);
    }
    CU_ASSERT_EQUAL(slab_blur_margin(0), 0);
    CU_ASSERT_EQUAL(slab_blur_margin(0.5), 2);
    CU_ASSERT_EQUAL(slab_blur_margin(64), 192);
    slab_destroy(&before);
}

// The last sigma's margin is wider than a band, so that it comes from several members.
enum { SIGMAS = 4 };
static const double team_sigmas[SIGMAS] = {0, 0.5, 2.7, 9};
static struct slab original, whole[SIGMAS];

static void forget(void)
{
    slab_destroy(&original);
    for (int i = 0; i < SIGMAS; i++)
        slab_destroy(&whole[i]);
}

static void blur_whole(int width, int height)
{
    forget();
    original = random_slab(width, height, 9);
    for (int i = 0; i < SIGMAS; i++)
        whole[i] = blurred(&original, original.rows, team_sigmas[i]);
}

static void check_member(struct span rows)
{
    for (int i = 0; i < SIGMAS; i++) {
        struct slab part = blurred(&original, tiling_grown(rows, slab_blur_margin(team_sigmas[i]), original.height), team_sigmas[i]);
        CU_ASSERT(same_rows(&part, &whole[i], rows));
        slab_destroy(&part);
    }
}

static void test_teams(void)
{
    for_each_member(blur_whole, check_member);
    forget();
}

static const struct unit_test tests[] = {
    {"the definition", test_definition},
    {"nothing to blur", test_nothing},
    {"any team and any threads: the same bytes", test_teams},
};
UNIT_MAIN("slab_blur", tests)
