// SPDX-License-Identifier: MIT
// WebP, BMP and GIF, made by FFmpeg's encoders.
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
    } cases[] = {{"bmp", AV_PIX_FMT_BGR24, false, ""},
                 {"bmp", AV_PIX_FMT_BGRA, true, ""},
                 {"bmp", AV_PIX_FMT_BGRA, false, ""}, // opaque alpha is no alpha
                 {"libwebp", AV_PIX_FMT_BGRA, false, "lossless=1"},
                 {"libwebp", AV_PIX_FMT_BGRA, true, "lossless=1"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct image part, image;
        photograph_part(&part, WIDTH, HEIGHT, cases[i].alpha);
        for (int p = 0; part.alpha && p < WIDTH * HEIGHT; p++)
            part.alpha[p] |= 1; // libwebp does not keep colours that nobody can see
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

static void lossy_webp_is_near(void)
{
    struct image part, image;
    photograph_part(&part, WIDTH, HEIGHT, false);
    struct bytes file = ffmpeg_encoded("libwebp", AV_PIX_FMT_BGRA, &part, "quality=98");
    if (file.size) {
        decode_whole(&file, WIDTH, HEIGHT, IMAGE_FORMAT_OTHER, &image);
        CU_ASSERT(difference(&part, &image) < 3);
        image_destroy(&image);
    }
    image_destroy(&part);
}

// As BT.601 has it: by BT.709, pure green would be 20 off.
static void lossy_webp_keeps_colours(void)
{
    struct image green, image;
    UNIT_OK(image_create(&green, WIDTH, HEIGHT));
    for (int i = 0; i < 3 * WIDTH * HEIGHT; i++)
        green.rgb[i] = i / (WIDTH * HEIGHT) == 1 ? 1 : -1;
    struct bytes file = ffmpeg_encoded("libwebp", AV_PIX_FMT_BGRA, &green, "quality=98");
    if (file.size) {
        decode_whole(&file, WIDTH, HEIGHT, IMAGE_FORMAT_OTHER, &image);
        CU_ASSERT(difference(&green, &image) < 3);
        image_destroy(&image);
    }
    image_destroy(&green);
}

static void gif(void)
{
    struct image part, image;
    photograph_part(&part, WIDTH, HEIGHT, false);
    struct bytes file = ffmpeg_encoded("gif", AV_PIX_FMT_RGB8, &part, "");
    CU_ASSERT_FATAL(file.size > 0);
    decode_whole(&file, WIDTH, HEIGHT, IMAGE_FORMAT_OTHER, &image);
    for (int y = 0; y < HEIGHT; y++) // the sample was taken as 3, 3 and 2 bits
        for (int x = 0; x < WIDTH; x++) {
            long packed = sample_at(&part, 0, x, y);
            CU_ASSERT(labs(sample_at(&image, 0, x, y) - (packed >> 5) * 255 / 7) <= 3);
            CU_ASSERT(labs(sample_at(&image, 1, x, y) - (packed >> 2 & 7) * 255 / 7) <= 3);
            CU_ASSERT(labs(sample_at(&image, 2, x, y) - (packed & 3) * 255 / 3) <= 3);
        }
    image_destroy(&part);
    image_destroy(&image);
}

// The first frame once more, behind itself.
static void the_first_of_several_frames(void)
{
    enum { HEADER = 13, PALETTE = 3 << 8 }; // FFmpeg's palette has 256 colours
    struct image part, image;
    photograph_part(&part, WIDTH, HEIGHT, false);
    struct bytes file = ffmpeg_encoded("gif", AV_PIX_FMT_RGB8, &part, "");
    CU_ASSERT_FATAL(file.size > HEADER + PALETTE);
    const size_t trailer = ((uint8_t *)file.data)[file.size - 1] == ';', begin = HEADER + PALETTE, length = file.size - trailer - begin;
    struct bytes twice = {malloc(file.size + length), file.size + length};
    CU_ASSERT_PTR_NOT_NULL_FATAL(twice.data);
    memcpy(twice.data, file.data, begin + length);
    memcpy((uint8_t *)twice.data + begin + length, (uint8_t *)file.data + begin, length + trailer);
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
    CU_ASSERT_STRING_EQUAL(image.notice, "");
    image_destroy(&image);
    decode_whole(&twice, WIDTH, HEIGHT, IMAGE_FORMAT_OTHER, &image);
    CU_ASSERT_STRING_EQUAL(image.notice, "2 frames: the first is taken");
    image_destroy(&image);
    image_destroy(&part);
    free(file.data);
}

static void limits_hold(void)
{
    static const struct {
        const char *encoder;
        enum AVPixelFormat format;
    } cases[] = {{"bmp", AV_PIX_FMT_BGR24}, {"libwebp", AV_PIX_FMT_BGRA}, {"gif", AV_PIX_FMT_RGB8}};
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

static void animated_webp_is_refused(void)
{
    static char animated[] = "RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x07\0\0\x07\0\0";
    expect_refused(&(struct bytes){animated, sizeof animated - 1}, &roomy, STATUS_UNSUPPORTED, "animated");
}

static const struct unit_test tests[] = {
    {"BMP and lossless WebP are exact", exact_formats},           {"lossy WebP is near", lossy_webp_is_near},
    {"lossy WebP keeps colours", lossy_webp_keeps_colours},       {"GIF", gif},
    {"the first of several frames", the_first_of_several_frames}, {"limits hold", limits_hold},
    {"animated WebP is refused", animated_webp_is_refused},
};
UNIT_MAIN("codec: FFmpeg's formats", tests)
