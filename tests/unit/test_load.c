// SPDX-License-Identifier: MIT
// Guides of all shapes: what the network is given it can work on.
#include "coordinator/load.h"

#include <stdlib.h>
#include <string.h>

#include "coordinator/codec.h"
#include "kernels/network.h"
#include "scratch.h"
#include "unit.h"

static struct config config;

// Leaves the guide's name in the configuration.
static void write_guide(int width, int height)
{
    struct image image;
    char path[FILE_PATH_MAX];
    UNIT_OK(file_join(path, scratch, "guide.png"));
    UNIT_OK(image_create(&image, width, height));
    memset(image.rgb, 0, 3 * (size_t)width * (size_t)height * sizeof *image.rgb);
    image.bits = 8;
    image.format = IMAGE_FORMAT_PNG;
    UNIT_OK(codec_encode(path, IMAGE_FORMAT_PNG, &image));
    image_destroy(&image);
    config_init(&config);
    snprintf(config.guide, sizeof config.guide, "%s", path);
}

static void expect_size(int width, int height, int expected_width, int expected_height)
{
    struct image guide;
    write_guide(width, height);
    UNIT_OK(load_guide(&config, scratch, &guide));
    if (guide.width != expected_width || guide.height != expected_height)
        printf("\n%d x %d: %d x %d, not %d x %d\n", width, height, guide.width, guide.height, expected_width, expected_height);
    CU_ASSERT(guide.width == expected_width && guide.height == expected_height);
    image_destroy(&guide);
}

static void test_sizes(void)
{
    expect_size(300, 200, 300, 200); // small enough
    expect_size(512, 512, 512, 512);
    expect_size(1024, 1024, 512, 512);
    expect_size(4000, 250, 2048, 128); // panoramas keep what the network needs
    expect_size(100, 3000, 93, 2804);
    expect_size(NETWORK_MIN_SIDE, 3495, NETWORK_MIN_SIDE, 3495);
    expect_size(NETWORK_MIN_SIDE, NETWORK_MIN_SIDE, NETWORK_MIN_SIDE, NETWORK_MIN_SIDE);
}

static void test_refused(void)
{
    static const int sizes[][2] = {{NETWORK_MIN_SIDE - 1, 300}, {300, NETWORK_MIN_SIDE - 1}, {1, 1}, {5000, 80}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char size[32];
        struct image guide;
        write_guide(sizes[i][0], sizes[i][1]);
        CU_ASSERT_EQUAL(load_guide(&config, scratch, &guide), STATUS_USAGE);
        CU_ASSERT_PTR_NULL(guide.rgb);
        snprintf(size, sizeof size, "%d x %d", sizes[i][0], sizes[i][1]);
        CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), size));
        CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), config.guide));
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"guides of all shapes", test_sizes},
        {"guides that the network cannot see", test_refused},
    };
    if (!scratch_create())
        return 1;
    int rc = unit_run("load", tests, sizeof tests / sizeof tests[0]);
    scratch_remove();
    return rc;
}
