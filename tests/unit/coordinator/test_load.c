// SPDX-License-Identifier: MIT
// Guides of all shapes: what the network is given it can work on. Pictures made smaller keep what their file needs.
#include "common/picture/geometry.h"
#include "common/picture/noise.h"
#include "coordinator/intake/load.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/network/network.h"
#include "media/picture/codec.h"
#include "profiles.h"
#include "scratch.h"

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
    char sha256[65] = "";
    write_guide(width, height);
    UNIT_OK(load_guide(&config, &guide, sha256));
    if (guide.width != expected_width || guide.height != expected_height)
        printf("\n%d x %d: %d x %d, not %d x %d\n", width, height, guide.width, guide.height, expected_width, expected_height);
    CU_ASSERT(guide.width == expected_width && guide.height == expected_height);
    CU_ASSERT_EQUAL(strlen(sha256), 64);
    image_destroy(&guide);
}

static void test_sizes(void)
{
    expect_size(300, 200, 300, 200); // small enough
    expect_size(512, 512, 512, 512);
    expect_size(1024, 1024, 512, 512);
    expect_size(4000, 250, 2048, 128); // panoramas keep what the network needs
    expect_size(100, 3000, 93, 2804);
    expect_size(GEOMETRY_MIN_SIDE, 3495, GEOMETRY_MIN_SIDE, 3495);
    expect_size(GEOMETRY_MIN_SIDE, GEOMETRY_MIN_SIDE, GEOMETRY_MIN_SIDE, GEOMETRY_MIN_SIDE);
}

static void test_refused(void)
{
    static const int sizes[][2] = {{GEOMETRY_MIN_SIDE - 1, 300}, {300, GEOMETRY_MIN_SIDE - 1}, {1, 1}, {5000, 80}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char size[32], sha256[65];
        struct image guide;
        write_guide(sizes[i][0], sizes[i][1]);
        CU_ASSERT_EQUAL(load_guide(&config, &guide, sha256), STATUS_USAGE);
        CU_ASSERT_PTR_NULL(guide.rgb);
        snprintf(size, sizeof size, "%d x %d", sizes[i][0], sizes[i][1]);
        CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), size));
        CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), config.guide));
    }
}

// Everything but the size outlasts input.resize: depth, format, alpha, profile.
static void test_resized(int bits, enum image_format format)
{
    struct image image;
    struct bytes icc = profile_adobe();
    struct intake_entry entry = {.kind = INTAKE_FILE, .name = "picture"};
    struct task *task = task_create();
    struct timing timing = {0};
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    UNIT_OK(file_join(entry.source, scratch, "picture"));
    UNIT_OK(image_create(&image, 200, 100));
    for (int i = 0; i < 3 * 200 * 100; i++)
        image.rgb[i] = (float)(i % 200) / 200;
    image.bits = bits;
    image.alpha = malloc(200 * 100 * sizeof *image.alpha);
    CU_ASSERT_PTR_NOT_NULL_FATAL(image.alpha);
    for (int i = 0; i < 200 * 100; i++)
        image.alpha[i] = (uint16_t)image_alpha_max(&image);
    image.icc = icc.data;
    image.icc_size = icc.size;
    UNIT_OK(codec_encode(entry.source, format, &image));
    config_init(&config);
    config.input.resize = 80;
    UNIT_OK(load_task(task, &entry, &config, scratch, &timing));
    const struct image *small = &task->image;
    CU_ASSERT_FATAL(small->width == 160 && small->height == 80 && small->bits == bits && small->format == format);
    CU_ASSERT_FATAL(small->alpha && small->icc && small->icc_size == image.icc_size);
    CU_ASSERT_EQUAL(memcmp(small->icc, image.icc, image.icc_size), 0);
    CU_ASSERT_EQUAL(small->alpha[160 * 40 + 80], image_alpha_max(&image));
    CU_ASSERT_EQUAL(task->record.bits, bits);
    struct stat facts;
    CU_ASSERT(stat(entry.source, &facts) == 0 && task->record.modified == load_modified(&facts) && facts.st_mtim.tv_sec > 0);
    CU_ASSERT_EQUAL(task->record.bytes, facts.st_size);
    image_destroy(&image);
    task_destroy(&task);
}

static void test_resize_keeps(void)
{
    test_resized(8, IMAGE_FORMAT_PNG);
    test_resized(16, IMAGE_FORMAT_TIFF);
    test_resized(32, IMAGE_FORMAT_TIFF);
}

// What the download took belongs to what reading took, in the image's row and among the phases.
static void test_seconds(void)
{
    struct timing timing = {0};
    struct task *task = task_create();
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    write_guide(100, 80);
    task->record.seconds_read = 1000;
    UNIT_OK(load_pixels(task, INTAKE_FILE, config.guide, -1, &config, &timing));
    CU_ASSERT(task->record.seconds_read > 1000 && timing.phases[PHASE_FETCH].seconds > 1000);
    CU_ASSERT(task->record.seconds_decode > 0 && task->record.seconds_decode < 1000);
    CU_ASSERT(timing.phases[PHASE_FETCH].count == 1 && timing.phases[PHASE_FETCH].bytes == task->record.bytes);
    task_destroy(&task);
}

static const struct unit_test tests[] = {
    {"guides of all shapes", test_sizes},
    {"guides that the network cannot see", test_refused},
    {"resized pictures keep what their file needs", test_resize_keeps},
    {"seconds of the download", test_seconds},
};
UNIT_MAIN_IN_SCRATCH("load", tests)
