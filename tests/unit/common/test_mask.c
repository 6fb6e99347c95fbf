// SPDX-License-Identifier: MIT
// Masks against plain loops: luma, feathers, stretched rows; and what they must never do: make black lighter.
#include "common/picture/mask.h"

#include <math.h>
#include <stdlib.h>

#include "unit.h"

// Blots, and smooth greys beside them.
static struct mask make(int width, int height)
{
    struct mask mask = {.width = width, .height = height, .values = malloc(2 * (size_t)width * (size_t)height)};
    CU_ASSERT_PTR_NOT_NULL_FATAL(mask.values);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const double wave = sin(0.13 * x + 0.002 * x * y) + cos(0.11 * y);
            mask.values[(size_t)y * (size_t)width + (size_t)x] = (uint16_t)(wave < -0.6  ? 0
                                                                            : wave > 0.7 ? MASK_FULL
                                                                                         : MASK_FULL * (wave + 0.6) / 1.3);
        }
    return mask;
}

static int at(const struct mask *mask, int x, int y)
{
    x = x < 0 ? 0 : x < mask->width ? x : mask->width - 1;
    y = y < 0 ? 0 : y < mask->height ? y : mask->height - 1;
    return mask->values[(size_t)y * (size_t)mask->width + (size_t)x];
}

static void test_luma(void)
{
    struct image image;
    struct mask mask;
    UNIT_OK(image_create(&image, 3, 2));
    const float colours[6][3] = {{-1, -1, -1}, {1, 1, 1}, {1, -1, -1}, {-1, 1, -1}, {-1, -1, 1}, {0, 0, 0}};
    for (int i = 0; i < 18; i++)
        image.rgb[i % 3 * 6 + i / 3] = colours[i / 3][i % 3];
    image.alpha = calloc(6, sizeof *image.alpha); // does not matter
    UNIT_OK(mask_create(&mask, &image));
    CU_ASSERT(mask.width == 3 && mask.height == 2 && mask.values[0] == 0 && mask.values[1] == MASK_FULL); // exactly
    CU_ASSERT_DOUBLE_EQUAL(mask.values[2] / 65535.0, 0.2126, 0.003);
    CU_ASSERT_DOUBLE_EQUAL(mask.values[3] / 65535.0, 0.7152, 0.003);
    CU_ASSERT_DOUBLE_EQUAL(mask.values[4] / 65535.0, 0.0722, 0.003);
    CU_ASSERT_DOUBLE_EQUAL(mask.values[5] / 65535.0, 0.5, 0.0001);
    CU_ASSERT(mask_brightest(&mask) == MASK_FULL && mask_bytes(&mask) == 12);
    memset(mask.values, 0, 12);
    CU_ASSERT_EQUAL(mask_brightest(&mask), 0);
    mask_destroy(&mask);
    CU_ASSERT(mask.values == NULL && mask_bytes(&mask) == 0);
    mask_destroy(&mask);
    image_destroy(&image);
}

// The least value of the square around a place that lies in the mask.
static int naive_least(const struct mask *mask, int x, int y, int radius)
{
    int least = MASK_FULL;
    for (int dy = -radius; dy <= radius; dy++)
        for (int dx = -radius; dx <= radius; dx++)
            least = at(mask, x + dx, y + dy) < least ? at(mask, x + dx, y + dy) : least;
    return least;
}

// The mean over two boxes, one after the other, in both directions: a table of weights.
static double naive_weight(int i, int radius)
{
    const int a = radius / 2, b = radius - a;
    int ways = 0;
    for (int j = -a; j <= a; j++)
        ways += abs(i - j) <= b;
    return ways / (double)((2 * a + 1) * (2 * b + 1));
}

static void check_feather(int width, int height, double part, int radius)
{
    struct mask mask = make(width, height), eroded = make(width, height);
    const struct mask drawn = make(width, height);
    UNIT_OK(mask_feather(&mask, part));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            eroded.values[(size_t)y * (size_t)width + (size_t)x] = (uint16_t)naive_least(&drawn, x, y, radius);
    double worst = 0;
    int lighter = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            double sum = 0;
            for (int dy = -radius; dy <= radius; dy++)
                for (int dx = -radius; dx <= radius; dx++)
                    sum += naive_weight(dy, radius) * naive_weight(dx, radius) * at(&eroded, x + dx, y + dy);
            const bool inside = x >= radius && x < width - radius && y >= radius && y < height - radius; // where no end repeats
            worst = fmax(worst, inside ? fabs(sum - at(&mask, x, y)) : 0);
            lighter += at(&mask, x, y) > at(&drawn, x, y);
        }
    CU_ASSERT(worst <= 2); // each of four boxes rounds
    CU_ASSERT_EQUAL(lighter, 0);
    mask_destroy(&mask);
    mask_destroy(&eroded);
    free(drawn.values);
}

static void test_feather(void)
{
    check_feather(61, 47, 0, 0);
    check_feather(61, 47, 0.02, 0);
    check_feather(61, 47, 0.05, 1);
    check_feather(61, 47, 0.2, 5);
    check_feather(33, 80, 1, 16);
    check_feather(5, 40, 0.4, 1);
    check_feather(1, 30, 1, 0);
    struct mask white = make(40, 30);
    for (size_t i = 0; i < mask_count(&white); i++)
        white.values[i] = MASK_FULL;
    UNIT_OK(mask_feather(&white, 0.3));
    for (size_t i = 0; i < mask_count(&white); i++)
        CU_ASSERT_EQUAL(white.values[i], MASK_FULL); // the picture's border is no edge
    mask_destroy(&white);
}

static double naive_tap(int i, double centre, double reach)
{
    const double weight = 1 - fabs(i - centre) / reach;
    return weight > 0 ? weight : 0;
}

static double naive_value(const struct mask *mask, int width, int height, int x, int y, int *lightest)
{
    const double rx = fmax(1, (double)mask->width / width), ry = fmax(1, (double)mask->height / height);
    const double cx = (x + 0.5) * mask->width / width - 0.5, cy = (y + 0.5) * mask->height / height - 0.5;
    double sum = 0, total = 0;
    *lightest = 0;
    for (int j = (int)floor(cy - ry); j <= cy + ry; j++)
        for (int i = (int)floor(cx - rx); i <= cx + rx; i++) {
            const double weight = naive_tap(i, cx, rx) * naive_tap(j, cy, ry);
            total += weight;
            sum += weight * at(mask, i, j);
            if (weight > 1e-6 && at(mask, i, j) > *lightest)
                *lightest = at(mask, i, j);
        }
    return sum / total / MASK_FULL;
}

static void check_rows(int mask_width, int mask_height, int width, int height)
{
    struct mask mask = make(mask_width, mask_height);
    float *factors = malloc((size_t)width * (size_t)height * sizeof *factors),
          *part = malloc((size_t)width * (size_t)height * sizeof *part);
    CU_ASSERT_FATAL(factors && part);
    UNIT_OK(mask_rows(&mask, width, height, (struct span){0, height}, factors));
    double worst = 0;
    int wrong = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int lightest;
            const float found = factors[(size_t)y * (size_t)width + (size_t)x];
            worst = fmax(worst, fabs(found - naive_value(&mask, width, height, x, y, &lightest)));
            wrong += lightest == 0 && found != 0; // black
            wrong += mask_width == width && mask_height == height && lrintf(found * MASK_FULL) != at(&mask, x, y);
        }
    CU_ASSERT(worst <= 0.6 / MASK_FULL);
    CU_ASSERT_EQUAL(wrong, 0);
    for (int begin = 0; begin < height; begin += 7) { // whoever has which rows
        const struct span rows = {begin, begin + 7 < height ? begin + 7 : height};
        UNIT_OK(mask_rows(&mask, width, height, rows, part));
        CU_ASSERT_EQUAL(
            memcmp(part, factors + (size_t)begin * (size_t)width, (size_t)(rows.end - rows.begin) * (size_t)width * sizeof *part), 0);
    }
    UNIT_OK(mask_rows(&mask, width, height, (struct span){3, 3}, part));
    for (size_t i = 0; i < mask_count(&mask); i++)
        mask.values[i] = MASK_FULL;
    UNIT_OK(mask_rows(&mask, width, height, (struct span){0, height}, factors));
    for (int i = 0; i < width * height; i++)
        wrong += factors[i] != 1; // white is all, exactly
    CU_ASSERT_EQUAL(wrong, 0);
    mask_destroy(&mask);
    free(factors);
    free(part);
}

static void test_rows(void)
{
    check_rows(60, 50, 60, 50);
    check_rows(60, 50, 43, 36);
    check_rows(60, 50, 20, 25);
    check_rows(60, 50, 7, 5);
    check_rows(60, 50, 180, 100);
    check_rows(60, 50, 131, 30); // stretched
    check_rows(1, 1, 20, 10);
}

static const struct unit_test tests[] = {
    {"luma", test_luma},
    {"feathered", test_feather},
    {"stretched", test_rows},
};
UNIT_MAIN("mask", tests)
