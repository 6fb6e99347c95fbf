// SPDX-License-Identifier: MIT
// Each picture gets the first others of the run, never itself, in its own size.
#include "coordinator/schedule/baseline_images.h"

#include <math.h>
#include <string.h>

#include "unit.h"

// Images 10, 11, ... of one colour each, so that one can tell which came.
static void fill(struct baseline_images *references, int count)
{
    for (int i = 0; i < count; i++) {
        struct image image;
        UNIT_OK(image_create(&image, 40 + i, 30));
        for (int s = 0; s < 3 * image.width * image.height; s++)
            image.rgb[s] = 0.1f * (float)i;
        UNIT_OK(baseline_images_add(references, 10 + i, &image));
        image_destroy(&image);
    }
}

static bool is(const struct baseline_images *references, int64_t id, int number, int expected)
{
    float rgb[3 * 20 * 50];
    UNIT_OK(baseline_images_resize(references, id, number, 20, 50, rgb));
    for (int s = 0; s < 3 * 20 * 50; s++)
        if (!(fabs(rgb[s] - 0.1 * (expected - 10)) < 1e-5))
            return false;
    return true;
}

static void test_others(void)
{
    struct baseline_images references = {0};
    CU_ASSERT_EQUAL(baseline_images_count(&references, 10), 0);
    fill(&references, 2);
    CU_ASSERT(!baseline_images_are_full(&references));
    CU_ASSERT_EQUAL(baseline_images_count(&references, 10), 1);
    CU_ASSERT(is(&references, 10, 0, 11));
    CU_ASSERT_EQUAL(baseline_images_count(&references, 99), 2);
    baseline_images_destroy(&references);

    fill(&references, BASELINE_IMAGES_MAX + 3); // the last two are too many
    CU_ASSERT(baseline_images_are_full(&references));
    CU_ASSERT_EQUAL(baseline_images_count(&references, 12), BASELINE_IMAGES_MAX);
    CU_ASSERT_EQUAL(baseline_images_count(&references, 99), BASELINE_IMAGES_MAX);
    CU_ASSERT(is(&references, 12, 1, 11));
    CU_ASSERT(is(&references, 12, 2, 13));
    CU_ASSERT(is(&references, 12, 3, 14));
    CU_ASSERT(is(&references, 99, 3, 13));
    baseline_images_destroy(&references);
}

static void test_overshoot(void)
{
    struct baseline_images references = {0};
    struct image image;
    float rgb[3 * 64 * 64];
    UNIT_OK(image_create(&image, 16, 16));
    for (int s = 0; s < 3 * 16 * 16; s++)
        image.rgb[s] = s / 8 % 2 ? 1 : -1;
    UNIT_OK(baseline_images_add(&references, 0, &image));
    UNIT_OK(baseline_images_resize(&references, 1, 0, 64, 64, rgb));
    bool within = true;
    for (int s = 0; s < 3 * 64 * 64; s++)
        within = within && rgb[s] >= -1 && rgb[s] <= 1;
    CU_ASSERT(within);
    image_destroy(&image);
    baseline_images_destroy(&references);
}

// Memory holds all of them: large ones are kept small, in their shape.
static void test_large_pictures(void)
{
    static const int sizes[][4] = {{1500, 300, 1024, 205}, {300, 1500, 205, 1024}, {1024, 7, 1024, 7}, {2000, 1, 1024, 1}};
    struct baseline_images references = {0};
    for (int i = 0; i < 4; i++) {
        struct image image;
        UNIT_OK(image_create(&image, sizes[i][0], sizes[i][1]));
        memset(image.rgb, 0, 3 * (size_t)image.width * (size_t)image.height * sizeof *image.rgb);
        UNIT_OK(baseline_images_add(&references, i, &image));
        CU_ASSERT(references.images[i].width == sizes[i][2] && references.images[i].height == sizes[i][3]);
        image_destroy(&image);
    }
    baseline_images_destroy(&references);
}

static const struct unit_test tests[] = {{"others", test_others}, {"overshoot", test_overshoot}, {"large pictures", test_large_pictures}};
UNIT_MAIN("references", tests)
