// SPDX-License-Identifier: MIT
// What a map does to a picture: nothing but grey where it is cold, its own colours where it is hot.
#include "media/drawing/overlay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "media/drawing/colormap.h"
#include "unit.h"

enum { SIDE = 64, BYTES = SIDE * SIDE * 3 };

// 8 x 8 values, cold but for a plateau of hot ones in the right half.
static struct heat half_hot(float cold, float hot)
{
    const struct heat_grid grid = {.width = 8, .height = 8, .stride = 8, .centre = 4, .octave_width = SIDE, .octave_height = SIDE};
    struct heat heat;
    UNIT_OK(heat_create(&heat, &grid));
    for (int i = 0; i < 64; i++)
        heat.values[i] = i % 8 < 4 ? cold : hot;
    return heat;
}

static void draw_picture(uint8_t *rgb)
{
    for (int i = 0; i < SIDE * SIDE; i++) {
        rgb[3 * i] = (uint8_t)(i % SIDE * 4);
        rgb[3 * i + 1] = (uint8_t)(i / SIDE * 3);
        rgb[3 * i + 2] = (uint8_t)(255 - i % SIDE * 2);
    }
}

static double luma(const uint8_t rgb[3])
{
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
}

// The formula, at a pixel inside the cold or the hot half.
static void expect(const uint8_t *picture, const uint8_t *drawn, int x, int y, double opacity, const uint8_t colour[3])
{
    const uint8_t *from = picture + (y * SIDE + x) * 3, *to = drawn + (y * SIDE + x) * 3;
    for (int c = 0; c < 3; c++) {
        const double base = from[c] + 0.7 * (luma(from) - from[c]), tint = colour[c] + 0.5 * (luma(from) - luma(colour));
        const double expected = fmin(fmax(base + opacity * (tint - base), 0), 255);
        CU_ASSERT_DOUBLE_EQUAL(to[c], expected, 2.5);
    }
}

static void test_cold_and_hot(void)
{
    static const enum config_colormap colormaps[] = {COLORMAP_TURBO, COLORMAP_VIRIDIS};
    static const float ranges[][2] = {{0, 1}, {0.5f, 1}, {0, 0.25f}, {NAN, 1}, {-3, 7}}; // the least that there is is cold, the most hot
    uint8_t *picture = malloc(BYTES), *drawn = malloc(BYTES);
    draw_picture(picture);
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
            uint8_t hottest[3], coldest[3];
            struct heat heat = half_hot(ranges[i][0], ranges[i][1]);
            colormap_get(colormaps[k], 1, hottest);
            colormap_get(colormaps[k], 0, coldest);
            UNIT_OK(overlay_draw(picture, SIDE, SIDE, &heat, colormaps[k], 0.6, drawn));
            for (int y = 0; y < SIDE; y++)
                for (int x = 0; x < 24; x++) {
                    expect(picture, drawn, x, y, 0, coldest);
                    expect(picture, drawn, SIDE - 1 - x, y, 0.6, hottest);
                }
            heat_destroy(&heat);
        }
    free(drawn);
    free(picture);
}

// The papers' blend: the same opacity everywhere, values as they are.
static void test_jet(void)
{
    uint8_t *picture = malloc(BYTES), *drawn = malloc(BYTES), colour[3];
    struct heat heat = half_hot(0.5f, 1);
    draw_picture(picture);
    UNIT_OK(overlay_draw(picture, SIDE, SIDE, &heat, COLORMAP_JET, 0.5, drawn));
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < 3 && (x < 24 || x >= 40); c++) {
                colormap_get(COLORMAP_JET, x < 24 ? 128 / 255.0f : 1, colour);
                CU_ASSERT_DOUBLE_EQUAL(drawn[(y * SIDE + x) * 3 + c], 0.5 * picture[(y * SIDE + x) * 3 + c] + 0.5 * colour[c], 1.5);
            }
    heat_destroy(&heat);
    free(drawn);
    free(picture);
}

static void test_nothing_to_see(void)
{
    uint8_t *picture = malloc(BYTES), *drawn = malloc(BYTES), colour[3];
    struct heat heat = half_hot(0, 0); // nowhere hot
    draw_picture(picture);
    colormap_get(COLORMAP_TURBO, 0, colour);
    UNIT_OK(overlay_draw(picture, SIDE, SIDE, &heat, COLORMAP_TURBO, 1, drawn));
    for (int i = 0; i < SIDE; i++)
        expect(picture, drawn, i, i, 0, colour);
    heat_destroy(&heat);
    heat = half_hot(0, 1);
    UNIT_OK(overlay_draw(picture, SIDE, SIDE, &heat, COLORMAP_JET, 0, drawn)); // opacity 0: the picture
    CU_ASSERT(memcmp(picture, drawn, BYTES) == 0);
    UNIT_OK(overlay_draw(picture, SIDE, SIDE, &heat, COLORMAP_TURBO, 0.5, drawn));
    UNIT_OK(overlay_draw(picture, SIDE, SIDE, &heat, COLORMAP_TURBO, 0.5, picture)); // in place
    CU_ASSERT(memcmp(picture, drawn, BYTES) == 0);
    heat_destroy(&heat);
    free(drawn);
    free(picture);
}

static const struct unit_test tests[] = {
    {"cold and hot", test_cold_and_hot},
    {"jet", test_jet},
    {"nothing to see", test_nothing_to_see},
};
UNIT_MAIN("overlay", tests)
