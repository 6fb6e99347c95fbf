// SPDX-License-Identifier: MIT
// JPEG, made by libjpeg and by FFmpeg's encoder.
#include "probed.h"

#include "jpegs.h"
#include "media/picture/codec_tags.h"

enum { WIDTH = 61, HEIGHT = 43 };

// What went into a file, as it should come back: 0 to 255.
static double expected(const struct jpeg_kind *kind, int c, int x, int y)
{
    if (kind->given == JCS_GRAYSCALE)
        return jpeg_sample(0, x, y);
    if (kind->given == JCS_CMYK)
        return 255 * (1 - jpeg_sample(c, x, y) / 255.0) * (1 - jpeg_sample(3, x, y) / 255.0);
    return jpeg_sample(c, x, y);
}

static void every_kind(void)
{
    static const struct {
        J_COLOR_SPACE given, stored;
        bool adobe;
        double error; // steps of 8 bits; YCbCr and YCCK round more
    } kinds[] = {{JCS_GRAYSCALE, JCS_GRAYSCALE, false, 1.01},
                 {JCS_RGB, JCS_YCbCr, false, 3},
                 {JCS_RGB, JCS_YCbCr, true, 3},
                 {JCS_RGB, JCS_RGB, true, 1.01},
                 {JCS_CMYK, JCS_CMYK, false, 1.5},
                 {JCS_CMYK, JCS_CMYK, true, 1.5},
                 {JCS_CMYK, JCS_YCCK, true, 4}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        for (int progressive = 0; progressive < 2; progressive++) {
            struct jpeg_kind kind = {.given = kinds[i].given,
                                     .stored = kinds[i].stored,
                                     .adobe = kinds[i].adobe,
                                     .progressive = progressive,
                                     .width = WIDTH,
                                     .height = HEIGHT};
            struct bytes file = jpeg_made(&kind);
            struct image image;
            double worst = 0;
            decode_whole(&file, WIDTH, HEIGHT, IMAGE_FORMAT_JPEG, &image);
            CU_ASSERT_PTR_NULL(image.alpha);
            for (int c = 0; c < 3; c++)
                for (int y = 0; y < HEIGHT; y++)
                    for (int x = 0; x < WIDTH; x++)
                        worst = fmax(worst, fabs((image.rgb[(c * HEIGHT + y) * WIDTH + x] + 1) * 127.5 - expected(&kind, c, x, y)));
            if (worst > kinds[i].error)
                printf("\nkind %zu, progressive %d: off by %g", i, progressive, worst);
            CU_ASSERT(worst <= kinds[i].error);
            CU_ASSERT_EQUAL(strstr(image.notice, "CMYK without a profile") != NULL, kind.given == JCS_CMYK);
            image_destroy(&image);
        }
}

// A part of the photograph as a camera's JPEG.
static struct bytes photograph_jpeg(void)
{
    struct image part;
    photograph_part(&part, WIDTH, HEIGHT, false);
    struct bytes jpeg = ffmpeg_encoded("mjpeg", AV_PIX_FMT_YUVJ420P, &part, "");
    CU_ASSERT_FATAL(jpeg.size > 2);
    image_destroy(&part);
    return jpeg;
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
        decode_whole(&file, WIDTH, HEIGHT, IMAGE_FORMAT_JPEG, &image);
        CU_ASSERT(difference(&part, &image) < 2);
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

// The EXIF block of an orientation, as APP1 has it.
static struct bytes with_orientation(const struct bytes *jpeg, int orientation)
{
    const uint8_t exif[] = {'E', 'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, (uint8_t)orientation,
                            0,   0,   0,   0,   0, 0, 0};
    return jpeg_with_segment(jpeg, 0xe1, exif, sizeof exif);
}

static void photographs_are_turned_upright(void)
{
    struct bytes jpeg = jpeg_made(&(struct jpeg_kind){.given = JCS_RGB, .stored = JCS_YCbCr, .width = WIDTH, .height = HEIGHT});
    struct image plain, turned;
    UNIT_OK(codec_decode(jpeg.data, jpeg.size, &roomy, &plain));
    for (int o = 1; o <= 8; o++) {
        struct bytes file = with_orientation(&jpeg, o);
        UNIT_OK(codec_decode(file.data, file.size, &roomy, &turned));
        CU_ASSERT_FATAL(turned.width == (o < 5 ? WIDTH : HEIGHT) && turned.height == (o < 5 ? HEIGHT : WIDTH));
        int column, row;
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                upright_place(o, &turned, x, y, &column, &row);
                CU_ASSERT_EQUAL(turned.rgb[row * turned.width + column], plain.rgb[y * WIDTH + x]);
            }
        image_destroy(&turned);
        free(file.data);
    }
    image_destroy(&plain);
    free(jpeg.data);
}

static void broken_exif_is_upright(void)
{
    static const char *const blocks[] = {"Exif", "Exif\0\0II", "Exif\0\0II*\0\xff\xff\xff\xff", "Exif\0\0MM\0*\0\0\0\x08\xff\xff",
                                         "http://ns.adobe.com/xap/1.0/"};
    static const size_t sizes[] = {4, 8, 14, 16, 28};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        struct bytes jpeg =
            jpeg_made(&(struct jpeg_kind){.given = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE, .width = WIDTH, .height = HEIGHT});
        struct bytes file = jpeg_with_segment(&jpeg, 0xe1, blocks[i], sizes[i]);
        struct image image;
        decode_whole(&file, WIDTH, HEIGHT, IMAGE_FORMAT_JPEG, &image);
        image_destroy(&image);
        free(jpeg.data);
    }
}

// Scans that add next to nothing, one after the other: each takes time for every pixel, for a few bytes.
static void a_scan_bomb_is_refused(void)
{
    static jpeg_scan_info scans[1 + 2 * 63] = {{.comps_in_scan = 1}};
    for (int k = 1; k < 64; k++) { // all but the last bit of each coefficient, then that
        scans[k] = (jpeg_scan_info){.comps_in_scan = 1, .Ss = k, .Se = k, .Al = 1};
        scans[63 + k] = (jpeg_scan_info){.comps_in_scan = 1, .Ss = k, .Se = k, .Ah = 1};
    }
    struct jpeg_kind kind = {.given = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE, .width = WIDTH, .height = HEIGHT, .scans = scans};
    struct image image;
    kind.scan_count = 100;
    struct bytes many = jpeg_made(&kind);
    decode_whole(&many, WIDTH, HEIGHT, IMAGE_FORMAT_JPEG, &image);
    image_destroy(&image);
    kind.scan_count = 101;
    struct bytes bomb = jpeg_made(&kind);
    expect_refused(&bomb, &roomy, STATUS_LIMIT, "more than 100 scans");
    free(bomb.data);
}

static void a_missing_component_is_refused(void)
{
    static const jpeg_scan_info scans[] = {{.comps_in_scan = 1, .component_index = {0}, .Se = 63},
                                           {.comps_in_scan = 1, .component_index = {1}, .Se = 63},
                                           {.comps_in_scan = 1, .component_index = {2}, .Se = 63}};
    struct bytes file = jpeg_made(
        &(struct jpeg_kind){.given = JCS_RGB, .stored = JCS_YCbCr, .width = WIDTH, .height = HEIGHT, .scans = scans, .scan_count = 3});
    struct image image;
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
    image_destroy(&image);
    uint8_t *scan = NULL;
    for (uint8_t *at = file.data; at < (uint8_t *)file.data + file.size - 1; at++)
        if (at[0] == 0xff && (at[1] == 0xda || at[1] == 0xc4) && at > (uint8_t *)file.data + 300)
            scan = at[1] == 0xda ? at : scan;
    CU_ASSERT_PTR_NOT_NULL_FATAL(scan);
    memcpy(scan, "\xff\xd9", 2);
    file.size = (size_t)(scan + 2 - (uint8_t *)file.data);
    expect_refused(&file, &roomy, STATUS_FORMAT, "component 3");
    free(file.data);
}

static void bytes_behind_a_jpeg_are_fine(void)
{
    struct bytes jpeg = photograph_jpeg();
    struct image image;
    jpeg.data = realloc(jpeg.data, jpeg.size + 100);
    CU_ASSERT_PTR_NOT_NULL_FATAL(jpeg.data);
    memset((uint8_t *)jpeg.data + jpeg.size, 0xa5, 100);
    jpeg.size += 100;
    decode_whole(&jpeg, WIDTH, HEIGHT, IMAGE_FORMAT_JPEG, &image);
    image_destroy(&image);
}

// Some cameras fill the file up before the end marker: the picture is whole all the same.
static void padding_before_the_end_is_fine(void)
{
    enum { PADDING = 9 };
    struct bytes jpeg = photograph_jpeg();
    struct image image, known;
    const uint8_t *end = (const uint8_t *)jpeg.data + jpeg.size - 2;
    uint8_t *padded = calloc(1, jpeg.size + PADDING);
    memcpy(padded, jpeg.data, jpeg.size - 2);
    memcpy(padded + jpeg.size - 2 + PADDING, end, 2);
    UNIT_OK(codec_decode(jpeg.data, jpeg.size, &roomy, &known));
    UNIT_OK(codec_decode(padded, jpeg.size + PADDING, &roomy, &image));
    CU_ASSERT(memcmp(image.rgb, known.rgb, 3 * (size_t)WIDTH * HEIGHT * sizeof *image.rgb) == 0);
    image_destroy(&image);
    image_destroy(&known);
    free(padded);
    free(jpeg.data);
}

// A JPEG that ends early and gets an end marker looks whole; what is missing must still be noticed.
static void a_mended_jpeg_is_refused(void)
{
    struct bytes jpeg = photograph_jpeg();
    size_t half = jpeg.size / 2;
    memcpy((uint8_t *)jpeg.data + half, "\xff\xd9", 2);
    jpeg.size = half + 2;
    expect_refused(&jpeg, &roomy, STATUS_FORMAT, "not a valid JPEG");
    free(jpeg.data);
}

static void a_lying_jpeg_is_refused_by_the_limit(void)
{
    struct bytes jpeg = photograph_jpeg();
    uint8_t *frame = memmem(jpeg.data, jpeg.size, "\xff\xc0", 2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
    memcpy(frame + 5, "\xfd\xe8\xfd\xe8", 4); // 65000 x 65000
    expect_refused(&jpeg, &roomy, STATUS_LIMIT, "65000 x 65000");
    free(jpeg.data);
}

static void limits_hold(void)
{
    for (int progressive = 0; progressive < 2; progressive++) {
        struct bytes file = jpeg_made(&(struct jpeg_kind){
            .given = JCS_RGB, .stored = JCS_YCbCr, .width = WIDTH, .height = HEIGHT, .sampling = 2, .progressive = progressive});
        expect_limits(&file, WIDTH, HEIGHT);
        free(file.data);
    }
}

// Writes the part as JPEG and reads it back.
static void write_and_read(const struct image *part, int quality, struct image *image, size_t *size)
{
    const char *path = "test_codec.jpg";
    UNIT_OK(codec_encode_jpeg(path, quality, part));
    struct bytes file = read_and_remove(path);
    *size = file.size;
    decode_whole(&file, WIDTH, HEIGHT, IMAGE_FORMAT_JPEG, image);
}

static void quality(void)
{
    static const double limits[] = {8, 2.5, 0.8};
    static const int qualities[] = {30, 95, 100};
    struct image part, image;
    size_t size, before = 0;
    photograph_part(&part, WIDTH, HEIGHT, false);
    for (int i = 0; i < 3; i++) {
        write_and_read(&part, qualities[i], &image, &size);
        CU_ASSERT(difference(&part, &image) < limits[i]);
        CU_ASSERT(size > before);
        before = size;
        image_destroy(&image);
    }
    struct bytes file = encoded(&part, IMAGE_FORMAT_JPEG), again = encoded(&part, IMAGE_FORMAT_JPEG);
    CU_ASSERT(file.size == again.size && memcmp(file.data, again.data, file.size) == 0);
    free(file.data);
    free(again.data);
    image_destroy(&part);
}

// One red pixel amid grey keeps its colour to itself.
static void chroma_is_not_halved(void)
{
    struct image part, image;
    size_t size;
    UNIT_OK(image_create(&part, WIDTH, HEIGHT));
    for (int i = 0; i < 3 * WIDTH * HEIGHT; i++)
        part.rgb[i] = 0;
    part.rgb[20 * WIDTH + 31] = 1;
    write_and_read(&part, 100, &image, &size);
    CU_ASSERT(image.rgb[20 * WIDTH + 31] > 0.95f && fabsf(image.rgb[20 * WIDTH + 32]) < 0.03f);
    image_destroy(&part);
    image_destroy(&image);
}

static void alpha_and_depth_stay_behind(void)
{
    struct image part, image;
    size_t size;
    photograph_part(&part, WIDTH, HEIGHT, true);
    part.bits = 16;
    write_and_read(&part, 100, &image, &size);
    CU_ASSERT(difference(&part, &image) < 0.8);
    CU_ASSERT_PTR_NULL(image.alpha);
    image_destroy(&part);
    image_destroy(&image);
}

static void more_than_jpeg_can_hold(void)
{
    struct image image;
    UNIT_OK(image_create(&image, 65501, 1));
    memset(image.rgb, 0, 3 * 65501 * sizeof *image.rgb);
    CU_ASSERT_EQUAL(codec_encode("test_codec.jpg", IMAGE_FORMAT_JPEG, &image), STATUS_LIMIT);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "output.format"));
    CU_ASSERT_EQUAL(access("test_codec.jpg", F_OK), -1);
    image_destroy(&image);
}

// Bytes that no decoder needs are no damage; nor is an end marker that is missing. What is missing of the data is, unless it is accepted.
static void what_every_viewer_shows(void)
{
    struct image_limits accepting = roomy;
    accepting.choice.accepts_damage = true;
    for (int progressive = 0; progressive < 2; progressive++) {
        const struct jpeg_kind kind = {
            .given = JCS_RGB, .stored = JCS_YCbCr, .progressive = progressive, .width = WIDTH, .height = HEIGHT, .sampling = 1};
        struct bytes jpeg = jpeg_made(&kind), stray = {malloc(jpeg.size + 2), jpeg.size + 2};
        struct image whole, image;
        static const uint8_t table[] = {0xff, 0xdb};
        const size_t at = (size_t)((uint8_t *)memmem(jpeg.data, jpeg.size, table, 2) - (uint8_t *)jpeg.data);
        UNIT_OK(codec_decode(jpeg.data, jpeg.size, &roomy, &whole));
        CU_ASSERT_STRING_EQUAL(whole.notice, "");
        memcpy(stray.data, jpeg.data, at);
        memset((uint8_t *)stray.data + at, 0, 2);
        memcpy((uint8_t *)stray.data + at + 2, (uint8_t *)jpeg.data + at, jpeg.size - at);
        UNIT_OK(codec_decode(stray.data, stray.size, &roomy, &image));
        CU_ASSERT(difference(&whole, &image) == 0);
        CU_ASSERT_STRING_EQUAL(image.notice, "2 stray bytes between its segments are passed over");
        image_destroy(&image);
        for (size_t cut = 1; cut <= 2; cut++) {
            UNIT_OK(codec_decode(jpeg.data, jpeg.size - cut, &roomy, &image));
            CU_ASSERT(difference(&whole, &image) == 0);
            CU_ASSERT_STRING_EQUAL(image.notice, "its end marker is missing; the picture is whole");
            image_destroy(&image);
        }
        const struct bytes cut = {jpeg.data, jpeg.size * 3 / 4};
        expect_refused(&cut, &roomy, STATUS_FORMAT, "not a valid JPEG: it ends early");
        const struct bytes less = {jpeg.data, progressive ? jpeg.size - 20 : jpeg.size * 3 / 4}; // within its last scan
        UNIT_OK(codec_decode(less.data, less.size, &accepting, &image));
        CU_ASSERT_PTR_NOT_NULL(strstr(image.notice, "damaged, what is missing is grey or a guess"));
        CU_ASSERT(fabsf(image.rgb[5 * WIDTH + 5] - whole.rgb[5 * WIDTH + 5]) < 0.2f);
        image_destroy(&image);
        image_destroy(&whole);
        free(stray.data);
        free(jpeg.data);
    }
}

// What a file says of its picture goes through every format; only that it is upright, and has no thumbnail, is new.
static void tags_go_along(void)
{
    static const uint8_t exif[] = "Exif\0\0MM\0*\0\0\0\x08\0\x02" // its first directory has two entries, and a second one follows
                                  "\x01\x0e\0\x02\0\0\0\x08\0\0\0\x26"
                                  "\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\x2e"
                                  "caption\0\0\0\0\0\0\0";
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation=\"6\" dc:creator=\"me\"/>";
    struct bytes jpeg = jpeg_made(&(struct jpeg_kind){.given = JCS_RGB, .stored = JCS_YCbCr, .width = WIDTH, .height = HEIGHT});
    struct bytes file = jpeg_with_segment(&jpeg, 0xe1, xmp, sizeof xmp - 1), both = jpeg_with_segment(&file, 0xe1, exif, sizeof exif - 1);
    uint8_t *jfif = memmem(both.data, both.size, "JFIF", 4);
    CU_ASSERT_PTR_NOT_NULL_FATAL(jfif);
    memcpy(jfif + 7, "\x01\x01\x2c\x01\x2c", 5); // 300 an inch
    free(jpeg.data);
    free(file.data);
    for (enum image_format format = IMAGE_FORMAT_PNG; format <= IMAGE_FORMAT_OTHER; format++) { // each after the one before, from JPEG on
        struct image image;
        UNIT_OK(codec_decode(both.data, both.size, &roomy, &image));
        free(both.data);
        CU_ASSERT(image.width == HEIGHT && image.height == WIDTH);
        CU_ASSERT(image.tags.description && strcmp(image.tags.description, "caption") == 0);
        CU_ASSERT(fabs(image.tags.density[0] * 0.0254 - 300) < 0.01 && fabs(image.tags.density[1] * 0.0254 - 300) < 0.01);
        CU_ASSERT_FATAL(image.tags.xmp != NULL && image.tags.exif != NULL);
        CU_ASSERT_STRING_EQUAL(image.tags.xmp, "<x tiff:Orientation=\"1\" dc:creator=\"me\"/>");
        CU_ASSERT_EQUAL(exif_orientation(image.tags.exif, image.tags.exif_size), 1);
        CU_ASSERT_PTR_NOT_NULL(memmem(image.tags.exif, image.tags.exif_size, "caption", 8));
        if (format == IMAGE_FORMAT_PNG)
            CU_ASSERT_EQUAL(memcmp(image.tags.exif + 34, "\0\0\0\0", 4), 0); // no thumbnail follows
        both = encoded(&image, format);
        image_destroy(&image);
    }
    free(both.data);
}

static const struct unit_test tests[] = {
    {"what every viewer shows", what_every_viewer_shows},
    {"tags go along", tags_go_along},
    {"grey, RGB, YCbCr, CMYK, YCCK, baseline and progressive", every_kind},
    {"JPEG is full range", jpeg_is_full_range},
    {"grey, progressive JPEG", grey_progressive_jpeg},
    {"photographs are turned upright", photographs_are_turned_upright},
    {"broken EXIF is upright", broken_exif_is_upright},
    {"bytes behind a JPEG are fine", bytes_behind_a_jpeg_are_fine},
    {"padding before the end is fine", padding_before_the_end_is_fine},
    {"a mended JPEG is refused", a_mended_jpeg_is_refused},
    {"a scan bomb is refused", a_scan_bomb_is_refused},
    {"a missing component is refused", a_missing_component_is_refused},
    {"a lying JPEG is refused by the limit", a_lying_jpeg_is_refused_by_the_limit},
    {"limits hold", limits_hold},
    {"quality; the same bytes each time", quality},
    {"chroma is not halved", chroma_is_not_halved},
    {"alpha and depth stay behind", alpha_and_depth_stay_behind},
    {"more than JPEG can hold", more_than_jpeg_can_hold},
};
UNIT_MAIN("codec: JPEG", tests)
