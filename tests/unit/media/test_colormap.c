// SPDX-License-Identifier: MIT
// Beside colours that Matplotlib 3.6 gave, mostly between our support points: round(255 * matplotlib.cm.<name>(index)), index of 0..255.
#include "media/drawing/colormap.h"

#include <math.h>
#include <stdlib.h>

#include "unit.h"

struct known {
    int index;
    int rgb[3];
};

static void check(enum config_colormap colormap, const struct known *known, size_t count, int tolerance)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t rgb[3];
        colormap_get(colormap, (float)known[i].index / 255, rgb);
        for (int c = 0; c < 3; c++)
            CU_ASSERT(abs(rgb[c] - known[i].rgb[c]) <= tolerance);
    }
}
#define CHECK(colormap, known, tolerance) check(colormap, known, sizeof(known) / sizeof(known)[0], tolerance)

static void test_turbo(void)
{
    static const struct known known[] = {{0, {48, 18, 59}},     {1, {50, 21, 67}},    {7, {56, 39, 109}},    {33, {71, 110, 230}},
                                         {64, {40, 188, 235}},  {92, {39, 238, 164}}, {128, {164, 252, 60}}, {141, {198, 240, 52}},
                                         {177, {254, 169, 51}}, {203, {241, 93, 19}}, {226, {204, 43, 4}},   {248, {146, 11, 1}},
                                         {255, {122, 4, 3}}};
    CHECK(COLORMAP_TURBO, known, 1);
}

static void test_viridis(void)
{
    static const struct known known[] = {{0, {68, 1, 84}},      {1, {68, 2, 86}},      {7, {70, 11, 94}},     {33, {71, 46, 124}},
                                         {64, {59, 82, 139}},   {92, {46, 111, 142}},  {128, {33, 145, 140}}, {141, {30, 157, 137}},
                                         {177, {64, 189, 114}}, {203, {119, 209, 83}}, {226, {178, 221, 45}}, {248, {236, 229, 27}},
                                         {255, {253, 231, 37}}};
    CHECK(COLORMAP_VIRIDIS, known, 1);
}

// Matplotlib's jet bends elsewhere than MATLAB's; the corners are the same.
static void test_jet(void)
{
    static const struct known corners[] = {{0, {0, 0, 128}}, {255, {128, 0, 0}}};
    static const struct known close[] = {{32, {0, 0, 255}},     {64, {0, 128, 255}},  {96, {22, 255, 225}}, {128, {125, 255, 122}},
                                         {160, {228, 255, 19}}, {192, {255, 148, 0}}, {224, {255, 30, 0}}};
    CHECK(COLORMAP_JET, corners, 0);
    CHECK(COLORMAP_JET, close, 32);
    for (int i = 0; i < 256; i++) { // the formula, in eighths: up, full, down
        uint8_t rgb[3];
        colormap_get(COLORMAP_JET, (float)i / 255, rgb);
        const double v = i / 255.0 * 8;
        CU_ASSERT_DOUBLE_EQUAL(rgb[1], 255 * fmax(0, v < 3 ? fmin(1, (v - 1) / 2) : fmin(1, (7 - v) / 2)), 0.51);
        CU_ASSERT_DOUBLE_EQUAL(rgb[0], 255 * fmax(0, v < 5 ? fmin(1, (v - 3) / 2) : fmin(1, (9 - v) / 2)), 0.51);
    }
}

static void test_beyond(void)
{
    static const float low[] = {-1, -INFINITY, NAN, -1e-6f}, high[] = {1.00001f, 2, INFINITY};
    static const enum config_colormap colormaps[] = {COLORMAP_TURBO, COLORMAP_VIRIDIS, COLORMAP_JET};
    for (size_t k = 0; k < 3; k++) {
        uint8_t first[3], last[3], rgb[3];
        colormap_get(colormaps[k], 0, first);
        colormap_get(colormaps[k], 1, last);
        for (size_t i = 0; i < sizeof low / sizeof low[0]; i++) {
            colormap_get(colormaps[k], low[i], rgb);
            CU_ASSERT(rgb[0] == first[0] && rgb[1] == first[1] && rgb[2] == first[2]);
        }
        for (size_t i = 0; i < sizeof high / sizeof high[0]; i++) {
            colormap_get(colormaps[k], high[i], rgb);
            CU_ASSERT(rgb[0] == last[0] && rgb[1] == last[1] && rgb[2] == last[2]);
        }
    }
}

static const struct unit_test tests[] = {
    {"turbo", test_turbo},
    {"viridis", test_viridis},
    {"jet", test_jet},
    {"beyond the ends", test_beyond},
};
UNIT_MAIN("colormap", tests)
