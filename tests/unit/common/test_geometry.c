// SPDX-License-Identifier: MIT
// Sizes of octaves and videos by their formulas.
#include "common/picture/geometry.h"

#include "naive.h"

static int octaves_of(int width, int height, int count, double scale, struct octave octaves[GEOMETRY_OCTAVES_MAX])
{
    return geometry_octaves(width, height, &(struct octave_rule){.count = count, .smallest = 128, .scale = scale}, octaves);
}

static void check_octaves(int width, int height, int count, double scale)
{
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    const int found = octaves_of(width, height, count, scale, octaves);
    int expected = 0;
    for (int k = 0; k < count; k++) {
        double factor = 1; // scale^(k - count + 1) without pow()
        for (int i = k; i < count - 1; i++)
            factor /= scale;
        const double w = width * factor, h = height * factor;
        if (k < count - 1 && (floor(w + 0.5) < GEOMETRY_MIN_SIDE || floor(h + 0.5) < GEOMETRY_MIN_SIDE))
            continue;
        CU_ASSERT_FATAL(expected < found);
        // a half may round either way by rounding of the power alone
        CU_ASSERT(fabs(octaves[expected].width - w) <= 0.5 + 1e-6);
        CU_ASSERT(fabs(octaves[expected].height - h) <= 0.5 + 1e-6);
        expected++;
    }
    CU_ASSERT_EQUAL(found, expected);
    CU_ASSERT(octaves[found - 1].width == width && octaves[found - 1].height == height);
    for (int k = 1; k < found; k++)
        CU_ASSERT(octaves[k].width >= octaves[k - 1].width && octaves[k].height >= octaves[k - 1].height);
}

static void test_octaves(void)
{
    static const struct octave known[] = {{109, 91}, {153, 128}, {214, 179}, {299, 251}}; // by hand, 299 x 251, four by 1.4
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    CU_ASSERT_EQUAL(octaves_of(299, 251, 4, 1.4, octaves), 4);
    CU_ASSERT(memcmp(octaves, known, sizeof known) == 0);
    for (int side = 75; side < 5000; side += 313)
        for (int count = 1; count <= 9; count += 2)
            for (double scale = 1.05; scale < 3; scale += 0.35)
                check_octaves(side, 6000 - side, count, scale);
    check_octaves(100, 100, GEOMETRY_OCTAVES_MAX, 1.01);
}

static void test_small_octaves_are_left_out(void)
{
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    CU_ASSERT_EQUAL(octaves_of(150, 104, 3, 1.4, octaves), 1); // 104 / 1.4 rounds to 74
    CU_ASSERT_EQUAL(octaves_of(150, 105, 3, 1.4, octaves), 2);
    CU_ASSERT_EQUAL(octaves[0].height, 75);
    CU_ASSERT_EQUAL(octaves_of(3, 2, 5, 1.4, octaves), 1); // the image itself stays, however small
    CU_ASSERT(octaves[0].width == 3 && octaves[0].height == 2);
    CU_ASSERT_EQUAL(octaves_of(100000, 70, 5, 1.4, octaves), 1);
}

// As many as keep the shorter side of the smallest at 128 pixels.
static void test_automatic_octaves(void)
{
    static const int known[][3] = {{128, 128, 1}, {75, 75, 1},    {179, 3000, 2},  {178, 3000, 1},
                                   {300, 200, 2}, {1200, 800, 6}, {4000, 3000, 10}};
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const int count = octaves_of(known[i][0], known[i][1], GEOMETRY_OCTAVES_AUTO, 1.4, octaves);
        CU_ASSERT_EQUAL(count, known[i][2]);
        CU_ASSERT(octaves[count - 1].width == known[i][0] && octaves[count - 1].height == known[i][1]);
        for (int k = 0; k < count - 1; k++)
            CU_ASSERT(octaves[k].width >= 128 && octaves[k].height >= 128);
    }
    CU_ASSERT_EQUAL(octaves_of(100000, 100000, GEOMETRY_OCTAVES_AUTO, 1.01, octaves), GEOMETRY_OCTAVES_MAX);
}

static void test_video(void)
{
    static const int known[][5] = {
        // image, largest side, video
        {1024, 768, 1920, 1024, 768}, {451, 300, 1920, 450, 300},     {4000, 3000, 1920, 1920, 1440}, {3000, 4000, 1921, 1440, 1920},
        {640, 480, 641, 640, 480},    {640, 427, 320, 320, 212},      {20000, 3, 1920, 1920, 2},      {1, 1, 1920, 2, 2},
        {65535, 65535, 64, 64, 64},   {2147483647, 1, 8192, 8192, 2},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        int width, height;
        geometry_video(known[i][0], known[i][1], known[i][2], &width, &height);
        CU_ASSERT_EQUAL(width, known[i][3]);
        CU_ASSERT_EQUAL(height, known[i][4]);
    }
}

static void test_pixels(void)
{
    const struct octave octaves[] = {{3, 5}, {100000, 100000}, {1, 1}}; // beyond 32 bits
    CU_ASSERT_EQUAL(geometry_pixels(octaves, 3), 1e10 + 16);
    CU_ASSERT_EQUAL(geometry_pixels(octaves, 0), 0);
}

static const struct unit_test tests[] = {
    {"octaves", test_octaves},
    {"small octaves", test_small_octaves_are_left_out},
    {"automatic octaves", test_automatic_octaves},
    {"video", test_video},
    {"pixels", test_pixels},
};
UNIT_MAIN("geometry", tests)
