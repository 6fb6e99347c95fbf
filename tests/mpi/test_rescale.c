// SPDX-License-Identifier: MIT
// An octave resampled by a team beside one resampled by a single process, and rows next to one's own.
#include "worker/team/rescale.h"

#include "worker/team/row_exchange.h"

#include "common/picture/resample.h"
#include "naive.h"
#include "ranks.h"

static struct span my_rows(const struct team *team, int height)
{
    return tiling_rows(height, team->size, team->rank);
}

static void check_rescale(struct team *team, int width, int height, int to_width, int to_height)
{
    float *whole = naive_random(naive_count(3, height, width), 5);
    float *expected = naive_alloc(naive_count(3, to_height, to_width) * sizeof *expected);
    const struct span rows = my_rows(team, to_height);
    struct slab from, to;
    ranks_cut_out(&from, team, whole, width, height);
    UNIT_OK(resample(whole, 3, width, height, expected, to_width, to_height));
    TOGETHER(rescale(team, &from, to_width, to_height, &to));
    CU_ASSERT(to.width == to_width && to.height == to_height && to.rows.begin == rows.begin && to.rows.end == rows.end);
    CU_ASSERT_EQUAL(ranks_unlike(&to, expected), 0);
    CU_ASSERT_EQUAL(ranks_unlike(&from, whole), 0);
    slab_destroy(&to);
    slab_destroy(&from);
    free(expected);
    free(whole);
}

// Up, down, one way each, as it is; a few bands, and far fewer than there are members.
static void run_rescale(struct team *team)
{
    static const struct {
        int width, height, to_width, to_height;
    } cases[] = {{320, 200, 229, 143}, {229, 143, 320, 200}, {75, 300, 104, 75},  {90, 90, 90, 90}, {40, 17, 130, 16},
                 {300, 270, 20, 15},   {20, 15, 300, 270},   {101, 33, 101, 200}, {1, 1, 9, 50},    {64, 129, 1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_rescale(team, cases[i].width, cases[i].height, cases[i].to_width, cases[i].to_height);
}

static void test_rescale(void)
{
    ranks_each_team(run_rescale);
}

static float value_at(int c, int y, int x)
{
    return (float)(100000 * c + 100 * y + x);
}

// `y` is a row of the octave, or -1 where there is none to have.
static void check_row(const float *row, int y, int width)
{
    int wrong = 0;
    CU_ASSERT_EQUAL(row != NULL, y >= 0);
    for (int c = 0; c < 3 && row && y >= 0; c++)
        for (int x = 0; x < width; x++)
            wrong += row[c * width + x] != value_at(c, y, x);
    CU_ASSERT_EQUAL(wrong, 0);
}

static void run_neighbours(struct team *team)
{
    static const int heights[] = {1, 16, 17, 40, 100, 161};
    for (size_t i = 0; i < sizeof heights / sizeof heights[0]; i++) {
        const int width = 70, height = heights[i];
        const struct span rows = my_rows(team, height);
        struct slab slab;
        struct row_exchange *neighbours;
        TOGETHER(row_exchange_create_neighbours(&neighbours, team, width, height));
        UNIT_OK(slab_create(&slab, width, height, rows));
        for (int c = 0; c < 3; c++)
            for (int y = rows.begin; y < rows.end; y++)
                for (int x = 0; x < width; x++)
                    slab_row(&slab, c, y)[x] = value_at(c, y, x);
        const bool any = rows.begin < rows.end;
        for (int round = 0; round < 2; round++) {
            TOGETHER(row_exchange_begin(neighbours, &slab));
            TOGETHER(row_exchange_end(neighbours));
            check_row(row_exchange_values(neighbours, 0), any ? rows.begin - 1 : -1, width);
            check_row(row_exchange_values(neighbours, 1), any && rows.end < height ? rows.end : -1, width);
        }
        row_exchange_destroy(&neighbours);
        slab_destroy(&slab);
    }
}

static void test_neighbours(void)
{
    ranks_each_team(run_neighbours);
}

static const struct unit_test tests[] = {
    {"rescale", test_rescale},
    {"neighbour rows", test_neighbours},
};
RANKS_MAIN("rescale", tests)
