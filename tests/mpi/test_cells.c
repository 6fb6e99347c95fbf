// SPDX-License-Identifier: MIT
// Cells of a picture: means of a map, order, a composed picture and rank correlations, beside plain loops, by any team.
#include "worker/look/cells.h"

#include <math.h>

#include "naive.h"
#include "ranks.h"

struct planes {
    const float *values; // (height, width)
    int width;
};

static void row_of(const void *map, int y, float *out)
{
    const struct planes *planes = map;
    memcpy(out, planes->values + (size_t)y * (size_t)planes->width, (size_t)planes->width * sizeof *out);
}

static const int sizes[][2] = {{300, 200}, {75, 75}, {513, 90}, {1100, 40}, {16, 17}, {33, 700}};

static void check_means(struct team *team, int width, int height)
{
    const struct cells cells = cells_of(width, height);
    float *map = naive_random(naive_count(1, height, width), 3), means[CELLS_MAX * CELLS_MAX];
    double worst = 0;
    CU_ASSERT(cells.side % TILING_BAND == 0 && cells.width <= CELLS_MAX && cells.height <= CELLS_MAX);
    CU_ASSERT(cells.side == TILING_BAND || cells.side - TILING_BAND < (width > height ? width : height) / CELLS_MAX + 1);
    TOGETHER(cells_means(&cells, team, row_of, &(struct planes){map, width}, means));
    double sums[CELLS_MAX * CELLS_MAX] = {0}, pixels[CELLS_MAX * CELLS_MAX] = {0};
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const int cell = y / cells.side * cells.width + x / cells.side;
            sums[cell] += map[(size_t)y * (size_t)width + (size_t)x];
            pixels[cell]++;
        }
    for (int i = 0; i < cells_count(&cells); i++)
        worst = fmax(worst, fabs(sums[i] / pixels[i] - means[i]));
    CU_ASSERT(worst < 1e-6);
    static float first[sizeof sizes / sizeof sizes[0]][CELLS_MAX * CELLS_MAX]; // of the first team: every other one has the same bits
    static bool seen[sizeof sizes / sizeof sizes[0]];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (sizes[i][0] == width && sizes[i][1] == height) {
            if (seen[i])
                CU_ASSERT_EQUAL(memcmp(first[i], means, (size_t)cells_count(&cells) * sizeof *means), 0);
            memcpy(first[i], means, (size_t)cells_count(&cells) * sizeof *means);
            seen[i] = true;
        }
    free(map);
}

// How much cell number `cell` of `count` counts at a pixel; the outermost ones count up to the picture's border.
static double tent(int pixel, int cell, const struct cells *cells, int count)
{
    double place = (pixel + 0.5) / cells->side - 0.5;
    place = fmin(fmax(place, 0), count - 1);
    return fmax(0, 1 - fabs(place - cell));
}

static void check_compose(struct team *team, int width, int height)
{
    const struct cells cells = cells_of(width, height);
    const int taken = cells_count(&cells) / 3;
    float *a = naive_random(naive_count(3, height, width), 5), *b = naive_random(naive_count(3, height, width), 6);
    float *expected = naive_alloc(naive_count(3, height, width) * sizeof *expected), values[CELLS_MAX * CELLS_MAX];
    int order[CELLS_MAX * CELLS_MAX], place[CELLS_MAX * CELLS_MAX];
    struct slab inside, outside, to;
    naive_fill(values, (size_t)cells_count(&cells), 7);
    cells_order(&cells, values, NULL, order);
    for (int i = 0; i < cells_count(&cells); i++)
        place[order[i]] = i;
    ranks_cut_out(&inside, team, a, width, height);
    ranks_cut_out(&outside, team, b, width, height);
    ranks_cut_out(&to, team, a, width, height);
    cells_compose(&cells, order, taken, &inside, &outside, &to);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                const size_t at = naive_count(c, height, width) + (size_t)y * (size_t)width + (size_t)x;
                double much = 0; // of all cells near by: tents as wide as two of them
                for (int v = y / cells.side - 1; v <= y / cells.side + 1; v++)
                    for (int u = x / cells.side - 1; u <= x / cells.side + 1; u++)
                        if (v >= 0 && v < cells.height && u >= 0 && u < cells.width && place[v * cells.width + u] < taken)
                            much += tent(x, u, &cells, cells.width) * tent(y, v, &cells, cells.height);
                expected[at] = (float)(b[at] + much * ((double)a[at] - b[at]));
            }
    CU_ASSERT(ranks_difference(&to, expected) < 1e-6);
    slab_destroy(&inside);
    slab_destroy(&outside);
    slab_destroy(&to);
    free(a);
    free(b);
    free(expected);
}

static void run_pictures(struct team *team)
{
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        check_means(team, sizes[i][0], sizes[i][1]);
        check_compose(team, sizes[i][0], sizes[i][1]);
    }
}

static void test_pictures(void)
{
    ranks_each_team(run_pictures);
}

static void test_order(void)
{
    const struct cells cells = {.side = 16, .width = 4, .height = 2, .picture_width = 64, .picture_height = 32};
    const float values[] = {1, 3, NAN, 3, -1, 0, 3, 1}, ties[] = {0, 1, 9, 2, 0, 0, 1, 5};
    static const int expected[] = {3, 1, 6, 7, 0, 5, 4, 2};
    int order[8];
    cells_order(&cells, values, ties, order);
    CU_ASSERT_EQUAL(memcmp(order, expected, sizeof order), 0);
}

// scipy.stats.spearmanr()
static void test_correlation(void)
{
    const struct cells cells = {.side = 16, .width = 4, .height = 2, .picture_width = 64, .picture_height = 32};
    const float a[] = {1, 3, 2, 3, -1, 0, 3, 1}, b[] = {0.5f, 2, 2, 1, -3, 4, 2, 0}, flat[8] = {0};
    const float same[] = {10, 30, 20, 30, -10, 0, 30, 10}, other[] = {-1, -3, -2, -3, 1, 0, -3, -1};
    CU_ASSERT_DOUBLE_EQUAL(cells_correlation(&cells, a, b), 0.3647871, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(cells_correlation(&cells, a, same), 1, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(cells_correlation(&cells, a, other), -1, 1e-12);
    CU_ASSERT(isnan(cells_correlation(&cells, a, flat)));
}

static const struct unit_test tests[] = {
    {"means and pictures", test_pictures},
    {"order", test_order},
    {"rank correlation", test_correlation},
};
RANKS_MAIN("cells", tests)
