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

static void load_noise(struct task *task, const char *name)
{
    struct intake_entry entry = {.kind = INTAKE_NOISE, .name = "noise"};
    struct timing timing = {0};
    snprintf(entry.source, sizeof entry.source, "%s", name);
    snprintf(entry.shown, sizeof entry.shown, "%s", name);
    UNIT_OK(load_task(task, &entry, &config, scratch, &timing));
    CU_ASSERT(timing.phases[PHASE_DECODE].count == 1 && timing.phases[PHASE_FETCH].count == 0);
}

// A picture of 8 bits like one from a file that holds its bytes; by its number and the seed.
static void test_noise(void)
{
    enum { WIDTH = 120, HEIGHT = 90, COUNT = 3 * WIDTH * HEIGHT };
    struct task *task = task_create(), *again = task_create(), *other = task_create();
    uint8_t *bytes = malloc(COUNT), *back = malloc(COUNT);
    char sha256[65];
    CU_ASSERT_FATAL(task && again && other && bytes && back);
    config_init(&config);
    config.seed = 5;
    load_noise(task, "noise:120x90:2");
    UNIT_OK(noise_make(&(struct noise){WIDTH, HEIGHT, 2}, 5, bytes));
    UNIT_OK(bytes_sha256(bytes, COUNT, sha256));
    CU_ASSERT_STRING_EQUAL(task->record.sha256, sha256);
    CU_ASSERT(task->image.width == WIDTH && task->image.height == HEIGHT && task->image.bits == 8 && !task->image.alpha);
    CU_ASSERT(task->record.width == WIDTH && task->record.height == HEIGHT && task->record.bits == 8 && task->record.bytes == COUNT);
    CU_ASSERT_STRING_EQUAL(task->record.source, "noise:120x90:2");
    codec_to_bytes(task->image.rgb, WIDTH * HEIGHT, back);
    CU_ASSERT(memcmp(back, bytes, COUNT) == 0);
    load_noise(again, "noise:120x90:2");
    CU_ASSERT_STRING_EQUAL(again->record.sha256, sha256);
    config.seed = 6;
    config.input.resize = 45;
    load_noise(other, "noise:120x90:2");
    CU_ASSERT_STRING_NOT_EQUAL(other->record.sha256, sha256);
    CU_ASSERT(other->record.width == 60 && other->record.height == 45);
    free(bytes);
    free(back);
    task_destroy(&task);
    task_destroy(&again);
    task_destroy(&other);
}

// Neither made nor promised.
static void test_noise_limits(void)
{
    static const char *const bad[][2] = {{"noise:301x20", "the limit is 300 a side"}, {"noise:200x200", "the limit is 30000 pixels"}};
    for (int i = 0; i < 2; i++) {
        struct intake_entry entry = {.kind = INTAKE_NOISE, .name = "noise"};
        struct codec_header header;
        struct timing timing = {0};
        struct task *task = task_create();
        CU_ASSERT_PTR_NOT_NULL_FATAL(task);
        config_init(&config);
        config.input.max_side = 300;
        config.input.max_pixels = 30000;
        snprintf(entry.source, sizeof entry.source, "%s", bad[i][0]);
        UNIT_FAILS(load_task(task, &entry, &config, scratch, &timing), STATUS_LIMIT, bad[i][1]);
        UNIT_FAILS(load_header(&entry, &config, &header), STATUS_LIMIT, bad[i][1]);
        strcpy(entry.source, "noise:300x100");
        UNIT_OK(load_header(&entry, &config, &header));
        CU_ASSERT(header.width == 300 && header.height == 100 && header.bits == 8 && !header.alpha);
        task_destroy(&task);
    }
}

static void test_mask(void)
{
    struct mask mask;
    char sha256[65] = "";
    write_guide(200, 100); // grey
    snprintf(config.mask, sizeof config.mask, "%s", config.guide);
    UNIT_OK(load_mask(&config, &mask, sha256));
    CU_ASSERT(mask.width == 200 && mask.height == 100 && strlen(sha256) == 64);
    for (size_t i = 0; i < mask_count(&mask); i++)
        CU_ASSERT_DOUBLE_EQUAL(mask.values[i] / (double)MASK_FULL, 0.5, 0.01);
    mask_destroy(&mask);
    UNIT_OK(file_join(config.mask, scratch, "gone.png"));
    UNIT_FAILS(load_mask(&config, &mask, sha256), STATUS_IO, "mask ");
    CU_ASSERT_PTR_NULL(mask.values);
    strcpy(config.mask, "ftp://example.org/mask.png");
    UNIT_FAILS(load_mask(&config, &mask, sha256), STATUS_UNSUPPORTED, "mask ftp://example.org/mask.png: of addresses only http and https");
    strcpy(config.mask, "noise:300x200");
    UNIT_FAILS(load_mask(&config, &mask, sha256), STATUS_USAGE, "mask noise:300x200: noise is made as an input only: name a file or a URL");
}

// A picture that is cut off is refused, and it is said that something is there; of one without anything it is not.
static void test_damaged(void)
{
    struct timing timing = {0};
    void *bytes;
    size_t size;
    write_guide(300, 200);
    UNIT_OK(file_read(config.guide, 1 << 20, &bytes, &size));
    for (int i = 0; i < 4; i++) {
        struct task *task = task_create();
        FILE *stream = fopen(config.guide, "wb");
        CU_ASSERT_FATAL(stream && fwrite(bytes, 1, i % 2 ? 20 : size * 2 / 3, stream) > 0 && fclose(stream) == 0);
        config.input.damaged = i < 2 ? DAMAGED_REFUSE : DAMAGED_ACCEPT;
        const enum status rc = load_pixels(task, INTAKE_FILE, config.guide, -1, &config, &timing);
        CU_ASSERT_EQUAL(rc, i == 2 ? STATUS_OK : STATUS_FORMAT);
        CU_ASSERT(rc == STATUS_OK || strstr(status_message(), "not a valid PNG: ") != NULL);
        CU_ASSERT_EQUAL(strstr(task->image.notice, "input.damaged: accept takes what is there") != NULL, i == 0);
        CU_ASSERT_EQUAL(task->image.notices, i == 0 ? 1u << NOTICE_READABLE : i == 2 ? 1u << NOTICE_DAMAGE : 0);
        task_destroy(&task);
    }
    free(bytes);
}

// A raster's file is kept, and said to stay as it is, for a dream alone: of what is only looked at no picture is written.
static void test_job(enum job_kind job)
{
    struct timing timing = {0};
    struct image image;
    struct task *task = task_create();
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    write_guide(60, 50);
    UNIT_OK(image_create(&image, 60, 50));
    memset(image.rgb, 0, 3 * (size_t)60 * 50 * sizeof *image.rgb);
    image.alpha = calloc(60 * 50, sizeof *image.alpha);
    UNIT_OK(codec_encode(config.guide, IMAGE_FORMAT_TIFF, &image));
    image_destroy(&image);
    snprintf(config.input.bands, sizeof config.input.bands, "4,3,2");
    task->job = job;
    UNIT_OK(load_pixels(task, INTAKE_FILE, config.guide, -1, &config, &timing));
    CU_ASSERT_EQUAL(task->image.raster.file != NULL, job == JOB_DREAM);
    CU_ASSERT_EQUAL(task->image.notices, 1u << NOTICE_BANDS);
    CU_ASSERT_EQUAL(strstr(task->image.notice, "stay") != NULL, job == JOB_DREAM);
    CU_ASSERT_PTR_NOT_NULL(strstr(task->image.notice, "4 bands: 4, 3 and 2 are red, green and blue (input.bands)"));
    task_destroy(&task);
}

static void test_jobs(void)
{
    test_job(JOB_DREAM);
    test_job(JOB_EXPLAIN);
    test_job(JOB_SCAN);
}

static const struct unit_test tests[] = {
    {"guides of all shapes", test_sizes},
    {"guides that the network cannot see", test_refused},
    {"resized pictures keep what their file needs", test_resize_keeps},
    {"seconds of the download", test_seconds},
    {"noise", test_noise},
    {"noise beyond the limits", test_noise_limits},
    {"damaged pictures", test_damaged},
    {"rasters, by what is done with them", test_jobs},
    {"a mask", test_mask},
};
UNIT_MAIN_IN_SCRATCH("load", tests)
