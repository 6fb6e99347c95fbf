// SPDX-License-Identifier: MIT
// BMP, TGA and Netpbm, made by FFmpeg's encoders or by hand.
#include "probed.h"

#include "pictures.h"

enum { WIDTH = 61, HEIGHT = 43 };

static void exact_formats(void)
{
    static const struct {
        const char *encoder;
        enum AVPixelFormat format;
        bool alpha;
        const char *options;
    } cases[] = {{"bmp", AV_PIX_FMT_BGR24, false, ""},   {"bmp", AV_PIX_FMT_BGRA, true, ""},
                 {"bmp", AV_PIX_FMT_BGRA, false, ""}, // opaque alpha is no alpha
                 {"targa", AV_PIX_FMT_BGR24, false, ""}, {"targa", AV_PIX_FMT_BGR24, false, "rle=0"},
                 {"targa", AV_PIX_FMT_BGRA, true, ""},   {"ppm", AV_PIX_FMT_RGB24, false, ""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct image part, image;
        photograph_part(&part, WIDTH, HEIGHT, cases[i].alpha);
        struct bytes file = ffmpeg_encoded(cases[i].encoder, cases[i].format, &part, cases[i].options);
        if (file.size) {
            decode_whole(&file, WIDTH, HEIGHT, IMAGE_FORMAT_OTHER, &image);
            CU_ASSERT_EQUAL(difference(&part, &image), 0);
            CU_ASSERT_EQUAL_FATAL(image.alpha != NULL, cases[i].alpha);
            if (image.alpha)
                CU_ASSERT_EQUAL(memcmp(part.alpha, image.alpha, WIDTH * HEIGHT * sizeof *part.alpha), 0);
            image_destroy(&image);
        }
        image_destroy(&part);
    }
}

// A text, and bytes behind it; red, green, blue and alpha of its two pixels, in as many bits.
static void expect_pixels(const char *head, const void *bytes, size_t size, int bits, const long wanted[8])
{
    struct bytes file = {malloc(strlen(head) + size + 1), strlen(head) + size};
    struct image image;
    CU_ASSERT_PTR_NOT_NULL_FATAL(file.data);
    memcpy(file.data, head, strlen(head));
    memcpy((char *)file.data + strlen(head), bytes, size);
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
    CU_ASSERT_FATAL(image.width == 2 && image.height == 1 && image.bits == bits);
    for (int i = 0; i < 8; i++)
        if (i % 4 < 3 || image.alpha)
            CU_ASSERT(labs(sample_at(&image, i % 4, i / 4, 0) - wanted[i]) <= 1);
    CU_ASSERT_EQUAL(image.alpha != NULL, wanted[3] >= 0);
    image_destroy(&image);
    expect_refused(&(struct bytes){file.data, file.size - 1}, &roomy, STATUS_FORMAT, "not a valid Netpbm");
    free(file.data);
}

static void netpbm(void)
{
    expect_pixels("P1\n# 7 7\n2 1\n01", "", 0, 8, (const long[]){255, 255, 255, -1, 0, 0, 0, -1});
    expect_pixels("P2 2 1 10 3 9", "", 0, 8, (const long[]){77, 77, 77, -1, 230, 230, 230, -1});
    expect_pixels("P3\n2 1\n255\n51 102 153 0 0 9", "", 0, 8, (const long[]){51, 102, 153, -1, 0, 0, 9, -1});
    expect_pixels("P4\n2 1\n", "\x40", 1, 8, (const long[]){255, 255, 255, -1, 0, 0, 0, -1});
    expect_pixels("P5\n2 1\n50\n", "\x05\x32", 2, 8, (const long[]){26, 26, 26, -1, 255, 255, 255, -1});
    expect_pixels("P5\n2 1\n# 1\n1000\n", "\x01\xf4\x03\xe8", 4, 16, (const long[]){32768, 32768, 32768, -1, 65535, 65535, 65535, -1});
    expect_pixels("P7\nWIDTH 2\nHEIGHT 1\nDEPTH 2\nMAXVAL 255\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\n", "\x32\x09\x33\xff", 4, 8,
                  (const long[]){50, 50, 50, 9, 51, 51, 51, 255});
}

// Which nothing at their start tells.
static void tga_is_told_by_its_header(void)
{
    char grey[] = "\0\0\3\0\0\0\0\0\0\0\0\0\2\0\1\0\x08\x20\x10\x80";
    struct image image;
    struct bytes file = {grey, sizeof grey - 1};
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
    CU_ASSERT(sample_at(&image, 0, 0, 0) == 16 && sample_at(&image, 2, 1, 0) == 128);
    image_destroy(&image);
    grey[16] = 16;
    expect_refused(&file, &roomy, STATUS_UNSUPPORTED, "grey with alpha");
    grey[1] = 1;
    expect_refused(&file, &roomy, STATUS_FORMAT, "does not look like a picture");
}

static void limits_hold(void)
{
    static const struct {
        const char *encoder;
        enum AVPixelFormat format;
    } cases[] = {{"bmp", AV_PIX_FMT_BGR24}, {"targa", AV_PIX_FMT_BGR24}, {"ppm", AV_PIX_FMT_RGB24}};
    struct image part;
    photograph_part(&part, WIDTH, HEIGHT, false);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes file = ffmpeg_encoded(cases[i].encoder, cases[i].format, &part, "");
        if (!file.size)
            continue;
        expect_limits(&file, WIDTH, HEIGHT);
        free(file.data);
    }
    image_destroy(&part);
}

static const struct unit_test tests[] = {
    {"BMP, TGA and PPM are exact", exact_formats},
    {"Netpbm", netpbm},
    {"TGA is told by its header", tga_is_told_by_its_header},
    {"limits hold", limits_hold},
};
UNIT_MAIN("codec: FFmpeg's formats", tests)
