// SPDX-License-Identifier: MIT
// Maps looked up at pixels, beside the definition: the position in the rolled octave, then linear between neighbours.
#include "common/picture/heat.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "naive.h"

static void ramp(struct heat *heat, const struct heat_grid *grid, float per_column, float per_row)
{
    UNIT_OK(heat_create(heat, grid));
    for (int y = 0; y < grid->height; y++)
        for (int x = 0; x < grid->width; x++)
            heat->values[y * grid->width + x] = per_column * (float)x + per_row * (float)y;
}

static void test_values_lie_at_their_centres(void)
{
    const struct heat_grid grid = {.width = 5, .height = 4, .stride = 8, .centre = 7, .octave_width = 50, .octave_height = 40};
    struct heat heat;
    float *values = naive_random(20, 3), row[50];
    UNIT_OK(heat_create(&heat, &grid));
    memcpy(heat.values, values, 20 * sizeof *values);
    for (int i = 0; i < 4; i++) {
        heat_row(&heat, 50, 40, 7 + 8 * i, row); // a picture of the octave's size: pixel centre + i * stride shows value i
        for (int j = 0; j < 5; j++)
            CU_ASSERT_EQUAL(row[7 + 8 * j], values[i * 5 + j]);
        CU_ASSERT_DOUBLE_EQUAL(row[11], (values[i * 5] + values[i * 5 + 1]) / 2, 1e-6);
        for (int x = 0; x < 7; x++) // constant outside
            CU_ASSERT(row[x] == values[i * 5] && row[49 - x] == values[i * 5 + 4]);
    }
    heat_row(&heat, 50, 40, 0, row);
    CU_ASSERT_EQUAL(row[7], values[0]);
    heat_row(&heat, 50, 40, 39, row);
    CU_ASSERT_EQUAL(row[39], values[19]);
    free(values);
    heat_destroy(&heat);
    CU_ASSERT_PTR_NULL(heat.values);
    heat_destroy(&heat);
}

// A map that is linear in the octave's pixels stays so in a picture of another size, whatever the aspect.
static void test_pictures_of_other_sizes(void)
{
    const struct heat_grid grid = {.width = 12, .height = 9, .stride = 16, .centre = 9, .octave_width = 200, .octave_height = 150};
    static const int sizes[][2] = {{200, 150}, {400, 300}, {1024, 768}, {50, 38}, {7, 311}};
    struct heat heat;
    float row[1024];
    ramp(&heat, &grid, 1, 100);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const int width = sizes[i][0], height = sizes[i][1];
        for (int y = 0; y < height; y++) {
            heat_row(&heat, width, height, y, row);
            const double v = fmin(fmax(((y + 0.5) * 150 / height - 0.5 - 9) / 16, 0), 8);
            for (int x = 0; x < width; x++) {
                const double u = fmin(fmax(((x + 0.5) * 200 / width - 0.5 - 9) / 16, 0), 11);
                CU_ASSERT_DOUBLE_EQUAL(row[x], u + 100 * v, 1e-3);
            }
        }
    }
    heat_destroy(&heat);
}

// A spot that the network saw at a pixel of the rolled octave shows where that pixel came from.
static void test_roll_is_undone(void)
{
    static const int shifts[][2] = {{0, 0}, {5, -7}, {-11, 13}, {32, 32}, {71, -85}, {-1000, 999}};
    for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++) {
        const int dy = shifts[i][0], dx = shifts[i][1];
        const struct heat_grid grid = {10, 9, 8, 3, 80, 70, dy, dx};
        struct heat heat;
        float row[80];
        ramp(&heat, &grid, 0, 0);
        heat.values[4 * 10 + 6] = 1;
        const int y = ((3 + 4 * 8 - dy) % 70 + 70) % 70, x = ((3 + 6 * 8 - dx) % 80 + 80) % 80;
        double sum = 0;
        for (int k = 0; k < 70; k++) {
            heat_row(&heat, 80, 70, k, row);
            for (int j = 0; j < 80; j++) {
                sum += row[j];
                CU_ASSERT(k == y && j == x ? row[j] == 1 : row[j] < 1);
            }
        }
        CU_ASSERT_DOUBLE_EQUAL(sum, 8 * 8, 1e-3); // the volume of the pyramid, wherever it lies
        heat_destroy(&heat);
    }
}

// The first and the last value meet across the borders that a roll puts inside the picture; without a roll opposite borders have nothing
// to do with each other.
static void test_seam(void)
{
    struct heat_grid grid = {.width = 10, .height = 1, .stride = 10, .centre = 5, .octave_width = 100, .octave_height = 10, .dx = 30};
    struct heat heat;
    float row[100];
    ramp(&heat, &grid, 1, 0);
    heat_row(&heat, 100, 10, 4, row);
    CU_ASSERT_EQUAL(row[65], 9); // where the network saw pixel 95, its last value
    CU_ASSERT_EQUAL(row[75], 0); // pixel 5
    CU_ASSERT_DOUBLE_EQUAL(row[70], 4.5, 1e-5);
    for (int x = 0; x < 99; x++)
        CU_ASSERT(fabsf(row[x + 1] - row[x]) <= 0.91f);
    heat.grid.dx = 100; // all around: no roll
    heat_row(&heat, 100, 10, 4, row);
    CU_ASSERT_EQUAL(row[0], 0);
    CU_ASSERT_EQUAL(row[99], 9);
    heat_destroy(&heat);
}

static void test_single_value(void)
{
    const struct heat_grid grid = {1, 1, 32, 16, 75, 75, 9, -9};
    struct heat heat;
    float row[33];
    ramp(&heat, &grid, 0, 0);
    heat.values[0] = 0.25f;
    for (int y = 0; y < 21; y++) {
        heat_row(&heat, 33, 21, y, row);
        for (int x = 0; x < 33; x++)
            CU_ASSERT_EQUAL(row[x], 0.25f);
    }
    heat_destroy(&heat);
}

static void test_nonsense_is_refused(void)
{
    static const struct heat_grid grids[] = {
        {0, 4, 8, 0, 50, 50, 0, 0},  {4, -1, 8, 0, 50, 50, 0, 0}, {4, 4, 0, 0, 50, 50, 0, 0},
        {51, 4, 8, 0, 50, 50, 0, 0}, {4, 4, 8, 0, 50, 0, 0, 0},   {INT_MAX, INT_MAX, 1, 0, INT_MAX, INT_MAX, 0, 0},
    };
    for (size_t i = 0; i < sizeof grids / sizeof grids[0]; i++) {
        struct heat heat;
        CU_ASSERT_EQUAL(heat_create(&heat, &grids[i]), STATUS_INTERNAL);
        CU_ASSERT_PTR_NULL(heat.values);
    }
}

static const struct unit_test tests[] = {
    {"values lie at their centres", test_values_lie_at_their_centres},
    {"pictures of other sizes", test_pictures_of_other_sizes},
    {"the roll is undone", test_roll_is_undone},
    {"seam", test_seam},
    {"a single value", test_single_value},
    {"nonsense is refused", test_nonsense_is_refused},
};
UNIT_MAIN("heat", tests)
