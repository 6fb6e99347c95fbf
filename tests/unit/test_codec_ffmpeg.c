// SPDX-License-Identifier: MIT
// JPEG, WebP, BMP and GIF, made by FFmpeg's encoders.
#include "pictures.h"

enum { WIDTH = 61, HEIGHT = 43 };

// Decodes and frees the file.
static void decode(struct bytes *file, struct image *image)
{
    UNIT_OK(codec_decode(file->data, file->size, &roomy, image));
    CU_ASSERT_FATAL(image->width == WIDTH && image->height == HEIGHT && image->bits == 8);
    CU_ASSERT_EQUAL(image->format, IMAGE_FORMAT_OTHER);
    free(file->data);
}

// Mean absolute difference in steps of 8 bits, over channels `first` to `last`.
static double difference(const struct image *a, const struct image *b, int first, int last)
{
    double sum = 0;
    size_t plane = WIDTH * HEIGHT;
    for (size_t i = (size_t)first * plane; i < (size_t)(last + 1) * plane; i++)
        sum += fabs((double)a->rgb[i] - b->rgb[i]) * 127.5;
    return sum / (double)((size_t)(last - first + 1) * plane);
}

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
            decode(&file, &image);
            CU_ASSERT_EQUAL(difference(&part, &image, 0, 2), 0);
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
        decode(&file, &image);
        CU_ASSERT(difference(&part, &image, 0, 2) < 3);
        image_destroy(&image);
    }
    image_destroy(&part);
}

// A JPEG whose luma is the red of the part and whose chroma is neutral: grey again, from 0 to 255 (not 16 to 235).
static void jpeg_is_full_range(void)
{
    static const enum AVPixelFormat formats[] = {AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUVJ444P};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct image part, image;
        photograph_part(&part, WIDTH, HEIGHT, false);
        for (int y = 0; y < HEIGHT; y++) // black and white bars beside the photograph
            for (int x = 0; x < 32; x++)
                part.rgb[y * WIDTH + x] = x < 16 ? -1 : 1;
        memcpy(part.rgb + WIDTH * HEIGHT, part.rgb, WIDTH * HEIGHT * sizeof(float));
        memcpy(part.rgb + 2 * WIDTH * HEIGHT, part.rgb, WIDTH * HEIGHT * sizeof(float));
        struct bytes file = ffmpeg_encoded("mjpeg", formats[i], &part, "global_quality=236:flags=+qscale");
        CU_ASSERT_FATAL(file.size > 0);
        decode(&file, &image);
        CU_ASSERT(difference(&part, &image, 0, 2) < 2);
        CU_ASSERT(fabsf(image.rgb[10 * WIDTH + 5] + 1) < 0.02f && fabsf(image.rgb[10 * WIDTH + 24] - 1) < 0.02f);
        CU_ASSERT_PTR_NULL(image.alpha);
        image_destroy(&part);
        image_destroy(&image);
    }
}

static void grey_progressive_jpeg(void)
{
    struct bytes file = read_back(TEST_DATA "/grey-progressive.jpg");
    struct image image;
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
    CU_ASSERT_FATAL(image.width == 32 && image.height == 16);
    for (int c = 0; c < 3; c++) // the left half is 10, the right half 200
        CU_ASSERT(labs(sample_at(&image, c, 4, 8) - 10) <= 1 && labs(sample_at(&image, c, 28, 8) - 200) <= 1);
    image_destroy(&image);
    free(file.data);
}

// An APP1 segment with one EXIF tag, right after the start of the JPEG.
static struct bytes with_orientation(const struct bytes *jpeg, int orientation)
{
    static const uint8_t head[] = {0xff, 0xe1, 0, 34, 'E', 'x', 'i',  'f', 0, 0, 'I', 'I', 42, 0,
                                   8,    0,    0, 0,  1,   0,   0x12, 1,   3, 0, 1,   0,   0,  0};
    uint8_t tail[] = {(uint8_t)orientation, 0, 0, 0, 0, 0, 0, 0};
    struct bytes file = {malloc(jpeg->size + sizeof head + sizeof tail), jpeg->size + sizeof head + sizeof tail};
    CU_ASSERT_PTR_NOT_NULL_FATAL(file.data);
    uint8_t *to = file.data;
    memcpy(to, jpeg->data, 2);
    memcpy(to + 2, head, sizeof head);
    memcpy(to + 2 + sizeof head, tail, sizeof tail);
    memcpy(to + 2 + sizeof head + sizeof tail, (uint8_t *)jpeg->data + 2, jpeg->size - 2);
    return file;
}

static void photographs_are_turned_upright(void)
{
    struct image part, plain, turned;
    photograph_part(&part, WIDTH, HEIGHT, false);
    struct bytes jpeg = ffmpeg_encoded("mjpeg", AV_PIX_FMT_YUVJ444P, &part, "");
    CU_ASSERT_FATAL(jpeg.size > 0);
    struct bytes file = with_orientation(&jpeg, 6); // held upright: the first row is the right side
    decode(&jpeg, &plain);
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &turned));
    CU_ASSERT_FATAL(turned.width == HEIGHT && turned.height == WIDTH);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            CU_ASSERT_EQUAL(turned.rgb[x * HEIGHT + HEIGHT - 1 - y], plain.rgb[y * WIDTH + x]);
    image_destroy(&part);
    image_destroy(&plain);
    image_destroy(&turned);
    free(file.data);
}

static void bytes_behind_a_jpeg_are_fine(void)
{
    struct image part, image;
    photograph_part(&part, WIDTH, HEIGHT, false);
    struct bytes jpeg = ffmpeg_encoded("mjpeg", AV_PIX_FMT_YUVJ420P, &part, "");
    CU_ASSERT_FATAL(jpeg.size > 0);
    jpeg.data = realloc(jpeg.data, jpeg.size + 100);
    CU_ASSERT_PTR_NOT_NULL_FATAL(jpeg.data);
    memset((uint8_t *)jpeg.data + jpeg.size, 0xa5, 100);
    jpeg.size += 100;
    decode(&jpeg, &image);
    image_destroy(&part);
    image_destroy(&image);
}

// A JPEG that ends early and gets an end marker looks whole; what is missing must still be noticed.
static void a_mended_jpeg_is_refused(void)
{
    struct image part, image;
    photograph_part(&part, WIDTH, HEIGHT, false);
    struct bytes jpeg = ffmpeg_encoded("mjpeg", AV_PIX_FMT_YUVJ420P, &part, "");
    CU_ASSERT_FATAL(jpeg.size > 0);
    size_t half = jpeg.size / 2;
    memcpy((uint8_t *)jpeg.data + half, "\xff\xd9", 2);
    CU_ASSERT_EQUAL(codec_decode(jpeg.data, half + 2, &roomy, &image), STATUS_FORMAT);
    CU_ASSERT_PTR_NULL(image.rgb);
    image_destroy(&part);
    free(jpeg.data);
}

static void gif(void)
{
    struct image part, image;
    photograph_part(&part, WIDTH, HEIGHT, false);
    struct bytes file = ffmpeg_encoded("gif", AV_PIX_FMT_RGB8, &part, "");
    CU_ASSERT_FATAL(file.size > 0);
    decode(&file, &image);
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

static void limits_hold(void)
{
    static const struct {
        const char *encoder;
        enum AVPixelFormat format;
    } cases[] = {{"bmp", AV_PIX_FMT_BGR24}, {"mjpeg", AV_PIX_FMT_YUVJ420P}, {"libwebp", AV_PIX_FMT_BGRA}, {"gif", AV_PIX_FMT_RGB8}};
    struct image part, image;
    photograph_part(&part, WIDTH, HEIGHT, false);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes file = ffmpeg_encoded(cases[i].encoder, cases[i].format, &part, "");
        if (!file.size)
            continue;
        static const struct image_limits few_pixels = {1000, WIDTH * HEIGHT - 1}, short_sides = {WIDTH - 1, 1000000},
                                         just = {WIDTH, WIDTH * HEIGHT};
        CU_ASSERT_EQUAL(codec_decode(file.data, file.size, &few_pixels, &image), STATUS_LIMIT);
        CU_ASSERT_EQUAL(codec_decode(file.data, file.size, &short_sides, &image), STATUS_LIMIT);
        CU_ASSERT_PTR_NULL(image.rgb);
        UNIT_OK(codec_decode(file.data, file.size, &just, &image));
        image_destroy(&image);
        free(file.data);
    }
    image_destroy(&part);
}

static void a_lying_jpeg_is_refused_by_the_limit(void)
{
    struct image part, image;
    photograph_part(&part, WIDTH, HEIGHT, false);
    struct bytes jpeg = ffmpeg_encoded("mjpeg", AV_PIX_FMT_YUVJ420P, &part, "");
    CU_ASSERT_FATAL(jpeg.size > 0);
    uint8_t *frame = memmem(jpeg.data, jpeg.size, "\xff\xc0", 2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
    memcpy(frame + 5, "\xfd\xe8\xfd\xe8", 4); // 65000 x 65000
    CU_ASSERT_EQUAL(codec_decode(jpeg.data, jpeg.size, &roomy, &image), STATUS_LIMIT);
    image_destroy(&part);
    free(jpeg.data);
}

static void animated_webp_is_refused(void)
{
    static const char animated[] = "RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x07\0\0\x07\0\0";
    struct image image;
    CU_ASSERT_EQUAL(codec_decode(animated, sizeof animated - 1, &roomy, &image), STATUS_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "animated"));
}

static const struct unit_test tests[] = {
    {"BMP and lossless WebP are exact", exact_formats},
    {"lossy WebP is near", lossy_webp_is_near},
    {"JPEG is full range", jpeg_is_full_range},
    {"grey, progressive JPEG", grey_progressive_jpeg},
    {"photographs are turned upright", photographs_are_turned_upright},
    {"bytes behind a JPEG are fine", bytes_behind_a_jpeg_are_fine},
    {"a mended JPEG is refused", a_mended_jpeg_is_refused},
    {"GIF", gif},
    {"limits hold", limits_hold},
    {"a lying JPEG is refused by the limit", a_lying_jpeg_is_refused_by_the_limit},
    {"animated WebP is refused", animated_webp_is_refused},
};
UNIT_MAIN("codec: FFmpeg's formats", tests)
