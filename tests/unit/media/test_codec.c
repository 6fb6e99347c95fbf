// SPDX-License-Identifier: MIT
// What holds for all formats: what comes in goes out unchanged, the same picture gives the same bytes, what is no picture is named.
#include <signal.h>
#include <sys/resource.h>

#include "probed.h"

#include "pictures.h"
#include "scratch.h"

static bool same_samples(const struct image *a, const struct image *b)
{
    if (a->width != b->width || a->height != b->height || a->bits != b->bits || !a->alpha != !b->alpha)
        return false;
    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width; x++)
            for (int c = 0; c < (a->alpha ? 4 : 3); c++)
                if (sample_at(a, c, x, y) < 0 || sample_at(a, c, x, y) != sample_at(b, c, x, y))
                    return false;
    return true;
}

static void round_trip(const struct image *image, enum image_format format)
{
    struct bytes file = encoded(image, format), again = encoded(image, format);
    CU_ASSERT_FATAL(file.size == again.size);
    CU_ASSERT_EQUAL(memcmp(file.data, again.data, file.size), 0);
    struct image back;
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &back));
    CU_ASSERT_EQUAL(back.format, format);
    CU_ASSERT(same_samples(image, &back));
    CU_ASSERT_EQUAL(memcmp(image->rgb, back.rgb, 3 * sizeof(float) * (size_t)image->width * (size_t)image->height), 0);
    image_destroy(&back);
    free(file.data);
    free(again.data);
}

static void photograph_round_trip(void)
{
    struct bytes file = photograph();
    struct image image;
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
    CU_ASSERT_FATAL(image.width == 451 && image.height == 300 && image.bits == 8 && !image.alpha);
    // The first and the last pixel, as another program reads them.
    CU_ASSERT(sample_at(&image, 0, 0, 0) == 143 && sample_at(&image, 1, 0, 0) == 120 && sample_at(&image, 2, 0, 0) == 104);
    round_trip(&image, IMAGE_FORMAT_PNG);
    round_trip(&image, IMAGE_FORMAT_TIFF);
    image_destroy(&image);
    free(file.data);
}

// Every value that a sample can have, in every channel and alpha.
static void every_value_round_trip(void)
{
    for (int bits = 8; bits <= 16; bits += 8)
        for (int alpha = 0; alpha < 2; alpha++) {
            struct image image;
            int side = bits == 16 ? 256 : 16;
            UNIT_OK(image_create(&image, side, side));
            image.bits = bits;
            if (alpha)
                image.alpha = malloc((size_t)(side * side) * sizeof *image.alpha);
            int full = side * side - 1;
            for (int i = 0; i <= full; i++) {
                image.rgb[i] = (float)i / ((float)full / 2) - 1;
                image.rgb[full + 1 + i] = (float)(full - i) / ((float)full / 2) - 1;
                image.rgb[2 * (full + 1) + i] = (float)(i ^ 0x55) / ((float)full / 2) - 1;
                if (alpha)
                    image.alpha[i] = (uint16_t)(full - i);
            }
            round_trip(&image, IMAGE_FORMAT_PNG);
            round_trip(&image, IMAGE_FORMAT_TIFF);
            image_destroy(&image);
        }
}

static void written_samples_are_rounded_and_clipped(void)
{
    static const struct {
        float value;
        long sample;
    } cases[] = {{-1, 0},
                 {1, 255},
                 {-1.0001f, 0},
                 {-50, 0},
                 {50, 255},
                 {0.4f / 127.5f - 1, 0},
                 {0.6f / 127.5f - 1, 1},
                 {254.4f / 127.5f - 1, 254},
                 {254.6f / 127.5f - 1, 255}};
    enum { COUNT = sizeof cases / sizeof cases[0] };
    struct image image, back;
    UNIT_OK(image_create(&image, COUNT, 1));
    for (int i = 0; i < COUNT; i++)
        image.rgb[i] = image.rgb[COUNT + i] = image.rgb[2 * COUNT + i] = cases[i].value;
    struct bytes file = encoded(&image, IMAGE_FORMAT_OTHER);
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &back));
    CU_ASSERT_EQUAL(back.format, IMAGE_FORMAT_PNG);
    for (int i = 0; i < COUNT; i++)
        CU_ASSERT_EQUAL(sample_at(&back, 1, i, 0), cases[i].sample);
    image_destroy(&image);
    image_destroy(&back);
    free(file.data);
}

// libpng's own limit of a million pixels a side is not ours.
static void long_rows(void)
{
    static const struct image_limits long_limits = {.side = 2000000, .pixels = 10000000};
    struct image image, back;
    UNIT_OK(image_create(&image, 1100000, 1));
    for (int i = 0; i < 3 * image.width; i++)
        image.rgb[i] = (float)(i % 256) / 127.5f - 1;
    for (enum image_format format = IMAGE_FORMAT_PNG; format <= IMAGE_FORMAT_TIFF; format++) {
        struct bytes file = encoded(&image, format);
        UNIT_OK(codec_decode(file.data, file.size, &long_limits, &back));
        CU_ASSERT_EQUAL(memcmp(image.rgb, back.rgb, 3 * sizeof(float) * (size_t)image.width), 0);
        image_destroy(&back);
        free(file.data);
    }
    image_destroy(&image);
}

static void failed_encodes_leave_nothing(void)
{
    struct image image;
    UNIT_OK(image_create(&image, 4, 3));
    for (int i = 0; i < 36; i++)
        image.rgb[i] = 0;
    const char *path = "test_codec.png";
    UNIT_OK(codec_encode(path, IMAGE_FORMAT_PNG, &image));
    struct bytes before = read_back(path);
    image.rgb[12 + 7] = NAN;
    CU_ASSERT_EQUAL(codec_encode(path, IMAGE_FORMAT_PNG, &image), STATUS_INTERNAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "channel 1 of pixel (3, 1)"));
    struct bytes after = read_back(path);
    CU_ASSERT(before.size == after.size && memcmp(before.data, after.data, after.size) == 0);
    image.rgb[12 + 7] = INFINITY;
    CU_ASSERT_EQUAL(codec_encode(path, IMAGE_FORMAT_TIFF, &image), STATUS_INTERNAL);
    image.rgb[12 + 7] = 0;
    CU_ASSERT_EQUAL(codec_encode("no/such/folder.png", IMAGE_FORMAT_PNG, &image), STATUS_IO);
    unlink(path);
    image_destroy(&image);
    free(before.data);
    free(after.data);
}

// A file system that takes only so much.
static void a_full_disk_is_reported(void)
{
    struct bytes file = photograph();
    struct image image;
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
    char folder[] = "test_codec.XXXXXX", path[FILE_PATH_MAX];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    UNIT_OK(file_join(path, folder, "dream"));
    struct rlimit before, little;
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &before), 0);
    little = (struct rlimit){.rlim_cur = 20000, .rlim_max = before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    for (enum image_format format = IMAGE_FORMAT_PNG; format <= IMAGE_FORMAT_JPEG; format++) {
        CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &little), 0);
        enum status rc = codec_encode(path, format, &image);
        CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &before), 0);
        CU_ASSERT_EQUAL(rc, STATUS_IO);
        CU_ASSERT(strstr(status_message(), path) && strstr(status_message(), "File too large"));
    }
    signal(SIGXFSZ, handler);
    CU_ASSERT_EQUAL(rmdir(folder), 0); // nothing is left in it
    image_destroy(&image);
    free(file.data);
}

static void limits_hold(void)
{
    struct bytes file = photograph();
    struct image image;
    static const struct {
        struct image_limits limits;
        enum status status;
    } cases[] = {{{.side = 451, .pixels = 451 * 300}, STATUS_OK},
                 {{.side = 450, .pixels = 1 << 30}, STATUS_LIMIT},
                 {{.side = 1000, .pixels = 451 * 300 - 1}, STATUS_LIMIT}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_EQUAL(codec_decode(file.data, file.size, &cases[i].limits, &image), cases[i].status);
        image_destroy(&image);
    }
    free(file.data);
}

static void what_is_no_picture_is_named(void)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *said;
    } cases[] = {{"", 0, "empty"},
                 {"<!DOCTYPE html><html>", 21, "looks like HTML, not a picture"},
                 {"\n\n <HTML>", 9, "looks like HTML"},
                 {"<?xml version=\"1.0\"?><svg>", 26, "looks like SVG"},
                 {"404 not found", 13, "looks like text"},
                 {"version https://git-lfs.github.com/spec/v1", 42, "Git LFS"},
                 {"%PDF-1.7", 8, "looks like PDF"},
                 {"\0\0\0\x20"
                  "ftypisom",
                  12, "looks like a video"},
                 {"#EXTM3U\nfile:///etc/passwd", 26, "looks like text"},
                 {"\x01\x02\x03\x04", 4, "does not look like a picture"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct image image;
        CU_ASSERT_EQUAL(codec_decode(cases[i].bytes, cases[i].size, &roomy, &image), STATUS_FORMAT);
        if (!strstr(status_message(), cases[i].said))
            printf("\n'%s' is not in '%s'", cases[i].said, status_message());
        CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), cases[i].said));
    }
}

// What is bytes already makes the same file as from floats.
static void bytes_are_written_as_they_are(void)
{
    enum { WIDTH = 37, HEIGHT = 11, PLANE = WIDTH * HEIGHT };
    struct image image;
    uint8_t rgb[3 * PLANE];
    void *bytes[2];
    size_t sizes[2];
    CU_ASSERT_FATAL(scratch_create());
    UNIT_OK(image_create(&image, WIDTH, HEIGHT));
    image.bits = 8;
    for (int i = 0; i < 3 * PLANE; i++)
        rgb[i] = (uint8_t)(i * 7 % 256);
    codec_from_bytes(rgb, PLANE, image.rgb);
    for (int i = 0; i < 2; i++) {
        const char *path = in_scratch(i ? "bytes.png" : "floats.png");
        UNIT_OK(i ? codec_encode_bytes(path, WIDTH, HEIGHT, rgb) : codec_encode(path, IMAGE_FORMAT_PNG, &image));
        UNIT_OK(file_read(path, 1 << 20, &bytes[i], &sizes[i]));
    }
    CU_ASSERT(sizes[0] == sizes[1] && memcmp(bytes[0], bytes[1], sizes[0]) == 0);
    UNIT_FAILS(codec_encode_bytes("/no/such/folder/a.png", WIDTH, HEIGHT, rgb), STATUS_IO, "/no/such/folder/a.png");
    free(bytes[0]);
    free(bytes[1]);
    image_destroy(&image);
    scratch_remove();
}

static void extensions(void)
{
    CU_ASSERT_STRING_EQUAL(codec_extension(IMAGE_FORMAT_PNG), "png");
    CU_ASSERT_STRING_EQUAL(codec_extension(IMAGE_FORMAT_TIFF), "tif");
    CU_ASSERT_STRING_EQUAL(codec_extension(IMAGE_FORMAT_JPEG), "jpg");
    CU_ASSERT_STRING_EQUAL(codec_extension(IMAGE_FORMAT_OTHER), "png");
}

static const struct unit_test tests[] = {
    {"a photograph comes back unchanged, the same bytes each time", photograph_round_trip},
    {"so does every 8-bit and 16-bit value, with and without alpha", every_value_round_trip},
    {"written samples are rounded and clipped", written_samples_are_rounded_and_clipped},
    {"long rows", long_rows},
    {"failed encodes leave nothing", failed_encodes_leave_nothing},
    {"a full disk is reported", a_full_disk_is_reported},
    {"limits hold", limits_hold},
    {"what is no picture is named", what_is_no_picture_is_named},
    {"bytes are written as they are", bytes_are_written_as_they_are},
    {"extensions", extensions},
};
UNIT_MAIN("codec", tests)
