// SPDX-License-Identifier: MIT
// Profiles in files of every format: in by plain formulas, out the way they came, and hostile ones.
#include "media/picture/codec_color.h"

#include "probed.h"

#include "jpegs.h"
#include "profiles.h"

enum { WIDTH = 61, HEIGHT = 43, PIXELS = WIDTH * HEIGHT };

// How a file holds the test's picture.
struct made {
    enum image_format format;
    enum color_space space;
    int bits;
    struct bytes icc;
};

// 0..255, of colours that sRGB and Adobe RGB both have, or of inks.
static int sample(int c, int x, int y)
{
    return 60 + x + y / 2 + 15 * c;
}

static void fill_row(const struct made *made, int y, void *row)
{
    for (int i = 0; i < WIDTH * (int)made->space; i++) {
        const int value = sample(i % (int)made->space, i / (int)made->space, y);
        if (made->bits == 16)
            ((uint16_t *)row)[i] = (uint16_t)(value * 257);
        else
            ((uint8_t *)row)[i] = (uint8_t)value;
    }
}

static struct bytes png_of(const struct made *made)
{
    struct bytes file;
    FILE *stream = open_memstream((char **)&file.data, &file.size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    uint16_t row[WIDTH * 3];
    png_init_io(png, stream);
    png_set_IHDR(png, info, WIDTH, HEIGHT, made->bits, made->space == COLOR_GREY ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, 0, 0, 0);
    png_set_benign_errors(png, 1);
    png_set_iCCP(png, info, "test", 0, made->icc.data, (png_uint_32)made->icc.size);
    png_write_info(png, info);
    png_set_swap(png);
    for (int y = 0; y < HEIGHT; y++) {
        fill_row(made, y, row);
        png_write_row(png, (png_bytep)row);
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    fclose(stream);
    return file;
}

static struct bytes tiff_of(const struct made *made)
{
    const char *path = "test_color.tif";
    TIFF *tiff = TIFFOpen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(tiff);
    uint16_t row[WIDTH * 4];
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, WIDTH);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, HEIGHT);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, made->bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, (int)made->space);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC,
                 made->space == COLOR_GREY   ? PHOTOMETRIC_MINISBLACK
                 : made->space == COLOR_CMYK ? PHOTOMETRIC_SEPARATED
                                             : PHOTOMETRIC_RGB);
    if (made->icc.size)
        TIFFSetField(tiff, TIFFTAG_ICCPROFILE, (uint32_t)made->icc.size, made->icc.data);
    for (int y = 0; y < HEIGHT; y++) {
        fill_row(made, y, row);
        CU_ASSERT_EQUAL(TIFFWriteScanline(tiff, row, (uint32_t)y, 0), 1);
    }
    TIFFClose(tiff);
    struct bytes file = read_back(path);
    unlink(path);
    return file;
}

// Lossless enough: RGB stays RGB, at the best quality.
static struct bytes jpeg_of(const struct made *made)
{
    static const J_COLOR_SPACE spaces[] = {[COLOR_GREY] = JCS_GRAYSCALE, [COLOR_RGB] = JCS_RGB, [COLOR_CMYK] = JCS_CMYK};
    return jpeg_made(&(struct jpeg_kind){.given = spaces[made->space],
                                         .stored = spaces[made->space],
                                         .adobe = made->space != COLOR_GREY,
                                         .width = WIDTH,
                                         .height = HEIGHT,
                                         .sample = sample,
                                         .icc = made->icc});
}

static struct bytes make(const struct made *made)
{
    return made->format == IMAGE_FORMAT_PNG ? png_of(made) : made->format == IMAGE_FORMAT_TIFF ? tiff_of(made) : jpeg_of(made);
}

static void open_made(const struct made *made, struct image *image)
{
    struct bytes file = make(made);
    UNIT_OK(codec_decode(file.data, file.size, &roomy, image));
    CU_ASSERT_FATAL(image->width == WIDTH && image->height == HEIGHT && image->bits == made->bits && !image->alpha);
    free(file.data);
}

// Largest difference from what the formula makes of the samples, in steps of 8 bits.
static double worst_error(const struct image *image, enum color_space space, void (*formula)(const double in[], double out[3]))
{
    double worst = 0;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            double in[4], out[3];
            for (int c = 0; c < (int)space; c++)
                in[c] = sample(c, x, y) / 255.0;
            formula(in, out);
            for (int c = 0; c < 3; c++)
                worst = fmax(worst, fabs((image->rgb[c * PIXELS + y * WIDTH + x] + 1) * 127.5 - out[c] * 255));
        }
    return worst;
}

static void expect_near(const struct made *made, double limit, void (*formula)(const double in[], double out[3]), const char *notice)
{
    struct image image;
    open_made(made, &image);
    const double worst = worst_error(&image, made->space, formula);
    if (worst > limit || strcmp(image.notice, notice) != 0)
        printf("\nformat %d, space %d, %d bits: off by %g steps; notice: %s", made->format, made->space, made->bits, worst, image.notice);
    CU_ASSERT(worst <= limit);
    CU_ASSERT_STRING_EQUAL(image.notice, notice);
    if (made->space == COLOR_RGB && image.icc) {
        CU_ASSERT_FATAL(image.icc_size == made->icc.size);
        CU_ASSERT_EQUAL(memcmp(image.icc, made->icc.data, made->icc.size), 0);
    }
    CU_ASSERT_EQUAL(image.icc != NULL, made->space == COLOR_RGB && !notice[0]);
    image_destroy(&image);
}

static void plain(const double in[], double out[3])
{
    memcpy(out, in, 3 * sizeof *out);
}

static void plain_grey(const double in[], double out[3])
{
    out[0] = out[1] = out[2] = in[0];
}

static void dark_grey(const double in[], double out[3])
{
    out[0] = out[1] = out[2] = srgb_curve(pow(in[0], 1.8));
}

static void guessed_inks(const double in[], double out[3])
{
    for (int c = 0; c < 3; c++)
        out[c] = (1 - in[c]) * (1 - in[3]);
}

static void adobe_rgb_as_the_formula(void)
{
    struct bytes icc = profile_adobe();
    for (int bits = 8; bits <= 16; bits += 8) {
        expect_near(&(struct made){IMAGE_FORMAT_PNG, COLOR_RGB, bits, icc}, 0.1, adobe_to_srgb, "");
        expect_near(&(struct made){IMAGE_FORMAT_TIFF, COLOR_RGB, bits, icc}, 0.1, adobe_to_srgb, "");
    }
    expect_near(&(struct made){IMAGE_FORMAT_JPEG, COLOR_RGB, 8, icc}, 3, adobe_to_srgb, "");
    free(icc.data);
}

static void srgb_is_left_alone(void)
{
    struct bytes icc = profile_srgb();
    expect_near(&(struct made){IMAGE_FORMAT_PNG, COLOR_RGB, 8, icc}, 0.001, plain, "");
    expect_near(&(struct made){IMAGE_FORMAT_TIFF, COLOR_RGB, 16, icc}, 0.001, plain, "");
    free(icc.data);
}

static void grey_as_the_formula(void)
{
    struct bytes icc = profile_grey(1.8);
    for (int bits = 8; bits <= 16; bits += 8) {
        expect_near(&(struct made){IMAGE_FORMAT_PNG, COLOR_GREY, bits, icc}, 0.1, dark_grey, "");
        expect_near(&(struct made){IMAGE_FORMAT_TIFF, COLOR_GREY, bits, icc}, 0.1, dark_grey, "");
    }
    expect_near(&(struct made){IMAGE_FORMAT_JPEG, COLOR_GREY, 8, icc}, 2, dark_grey, "");
    free(icc.data);
}

static void inks_as_the_formula(void)
{
    static const char guess[] = "CMYK without a profile: its colours are a guess";
    struct bytes icc = profile_cmyk();
    expect_near(&(struct made){IMAGE_FORMAT_JPEG, COLOR_CMYK, 8, icc}, 3, weak_cyan, "");
    expect_near(&(struct made){IMAGE_FORMAT_JPEG, COLOR_CMYK, 8, {0}}, 1.5, guessed_inks, guess);
    for (int bits = 8; bits <= 16; bits += 8) {
        expect_near(&(struct made){IMAGE_FORMAT_TIFF, COLOR_CMYK, bits, icc}, 2, weak_cyan, "");
        expect_near(&(struct made){IMAGE_FORMAT_TIFF, COLOR_CMYK, bits, {0}}, 0.001, guessed_inks, guess);
    }
    free(icc.data);
}

// What is in a PNG or the like, as no profile is looked at.
static void raw_samples(struct bytes *file, struct bytes *icc, uint8_t raw[HEIGHT][WIDTH * 3])
{
    FILE *stream = fmemopen(file->data, file->size, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_charp name;
    int compression;
    png_bytep profile = NULL;
    png_uint_32 size = 0;
    png_init_io(png, stream);
    png_read_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
    for (int y = 0; y < HEIGHT; y++)
        memcpy(raw[y], png_get_rows(png, info)[y], WIDTH * 3);
    png_get_iCCP(png, info, &name, &compression, &profile, &size);
    *icc = (struct bytes){malloc(size + 1), size};
    CU_ASSERT_PTR_NOT_NULL_FATAL(icc->data);
    if (size)
        memcpy(icc->data, profile, size);
    png_destroy_read_struct(&png, &info, NULL);
    fclose(stream);
}

static void profiles_go_out_as_they_came(void)
{
    struct bytes profiles[] = {profile_adobe(), profile_srgb()};
    for (size_t i = 0; i < 2; i++) {
        static uint8_t raw[HEIGHT][WIDTH * 3];
        const struct made made = {IMAGE_FORMAT_TIFF, COLOR_RGB, 8, profiles[i]};
        struct image image, back;
        struct bytes icc;
        open_made(&made, &image);
        struct bytes file = encoded(&image, IMAGE_FORMAT_PNG);
        raw_samples(&file, &icc, raw);
        CU_ASSERT(icc.size == profiles[i].size && memcmp(icc.data, profiles[i].data, icc.size) == 0);
        int worst = 0;
        for (int y = 0; y < HEIGHT; y++)
            for (int k = 0; k < WIDTH * 3; k++)
                worst = abs(raw[y][k] - sample(k % 3, k / 3, y)) > worst ? abs(raw[y][k] - sample(k % 3, k / 3, y)) : worst;
        CU_ASSERT(worst <= 1);
        free(icc.data);
        free(file.data);
        for (enum image_format format = IMAGE_FORMAT_PNG; format <= IMAGE_FORMAT_JPEG; format++) {
            double error = 0;
            file = encoded(&image, format);
            UNIT_OK(codec_decode(file.data, file.size, &roomy, &back));
            CU_ASSERT_FATAL(back.icc_size == profiles[i].size);
            CU_ASSERT_EQUAL(memcmp(back.icc, profiles[i].data, back.icc_size), 0);
            for (int k = 0; k < 3 * PIXELS; k++)
                error = fmax(error, fabs((double)back.rgb[k] - image.rgb[k]) * 127.5);
            CU_ASSERT(error <= (format == IMAGE_FORMAT_JPEG ? 6 : 1));
            image_destroy(&back);
            free(file.data);
        }
        image_destroy(&image);
        free(profiles[i].data);
    }
}

// Grey and inks come out as sRGB, whose files need no profile.
static void other_profiles_stay_behind(void)
{
    static uint8_t raw[HEIGHT][WIDTH * 3];
    struct made made = {IMAGE_FORMAT_JPEG, COLOR_CMYK, 8, profile_cmyk()};
    struct image image;
    struct bytes icc;
    open_made(&made, &image);
    struct bytes file = encoded(&image, IMAGE_FORMAT_PNG);
    raw_samples(&file, &icc, raw);
    CU_ASSERT_EQUAL(icc.size, 0);
    for (int k = 0; k < 3; k++)
        CU_ASSERT(abs(raw[20][3 * 30 + k] - (int)lrintf((image.rgb[k * PIXELS + 20 * WIDTH + 30] + 1) * 127.5f)) <= 1);
    image_destroy(&image);
    free(icc.data);
    free(file.data);
    free(made.icc.data);
}

static void turned_pictures_keep_their_profile(void)
{
    static const uint8_t exif[] = {'E', 'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0};
    struct bytes icc = profile_adobe();
    struct bytes jpeg = jpeg_of(&(struct made){IMAGE_FORMAT_JPEG, COLOR_RGB, 8, icc});
    struct bytes file = jpeg_with_segment(&jpeg, 0xe1, exif, sizeof exif);
    struct image image;
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
    CU_ASSERT(image.width == HEIGHT && image.icc_size == icc.size && image.icc);
    image_destroy(&image);
    free(file.data);
    free(jpeg.data);
    free(icc.data);
}

#ifdef ONEIROS_VIPS
static void put_chunk(FILE *stream, const char *name, const void *data, size_t size)
{
    const uint8_t length[] = {(uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16), 0};
    fwrite(name, 1, 4, stream);
    fwrite(length, 1, sizeof length, stream);
    fwrite(data, 1, size, stream);
    if (size % 2)
        fputc(0, stream);
}

// What FFmpeg's encoder makes, in a container with a profile.
static struct bytes webp_with_profile(const struct bytes *webp, const struct bytes *icc)
{
    enum { HEADER = 12, CHUNK = 8, HAS_PROFILE = 0x20 };
    const uint8_t extended[10] = {HAS_PROFILE, 0, 0, 0, WIDTH - 1, 0, 0, HEIGHT - 1, 0, 0};
    const uint8_t *picture = (const uint8_t *)webp->data + HEADER;
    const size_t size = (size_t)picture[4] | (size_t)picture[5] << 8 | (size_t)picture[6] << 16;
    struct bytes body, file;
    FILE *stream = open_memstream((char **)&body.data, &body.size);
    fwrite("WEBP", 1, 4, stream);
    put_chunk(stream, "VP8X", extended, sizeof extended);
    put_chunk(stream, "ICCP", icc->data, icc->size);
    put_chunk(stream, (char[5]){(char)picture[0], (char)picture[1], (char)picture[2], (char)picture[3], 0}, picture + CHUNK, size);
    fclose(stream);
    stream = open_memstream((char **)&file.data, &file.size);
    put_chunk(stream, "RIFF", body.data, body.size);
    fclose(stream);
    free(body.data);
    return file;
}

static void webp_has_profiles(void)
{
    struct bytes icc = profile_adobe();
    struct image part, image;
    UNIT_OK(image_create(&part, WIDTH, HEIGHT));
    for (int i = 0; i < 3 * PIXELS; i++)
        part.rgb[i] = (float)sample(i / PIXELS, i % WIDTH, i % PIXELS / WIDTH) / 127.5f - 1;
    struct bytes webp = ffmpeg_encoded("libwebp", AV_PIX_FMT_BGRA, &part, "lossless=1");
    if (webp.size) {
        struct bytes file = webp_with_profile(&webp, &icc);
        UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
        CU_ASSERT(worst_error(&image, COLOR_RGB, adobe_to_srgb) < 0.1);
        CU_ASSERT(image.icc_size == icc.size);
        image_destroy(&image);
        free(file.data);
    }
    image_destroy(&part);
    free(webp.data);
    free(icc.data);
}
#endif

// The picture as if it had no profile, and the reason.
static void expect_ignored(enum image_format format, enum color_space space, struct bytes icc, const char *reason)
{
    struct image image;
    open_made(&(struct made){format, space, 8, icc}, &image);
    if (!strstr(image.notice, "its ICC profile is ignored: ") || !strstr(image.notice, reason))
        printf("\nformat %d, space %d: '%s' is not in '%s'", format, space, reason, image.notice);
    CU_ASSERT_PTR_NOT_NULL(strstr(image.notice, "its ICC profile is ignored: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(image.notice, reason));
    CU_ASSERT(worst_error(&image, space, space == COLOR_GREY ? plain_grey : space == COLOR_CMYK ? guessed_inks : plain) < 2);
    CU_ASSERT_PTR_NULL(image.icc);
    image_destroy(&image);
}

static void profiles_of_another_space_are_ignored(void)
{
    struct bytes adobe = profile_adobe(), grey = profile_grey(1.8), inks = profile_cmyk();
    expect_ignored(IMAGE_FORMAT_JPEG, COLOR_GREY, adobe, "another colour space");
    expect_ignored(IMAGE_FORMAT_JPEG, COLOR_CMYK, adobe, "another colour space");
    expect_ignored(IMAGE_FORMAT_JPEG, COLOR_RGB, inks, "another colour space");
    expect_ignored(IMAGE_FORMAT_TIFF, COLOR_RGB, grey, "another colour space");
    free(adobe.data);
    free(grey.data);
    free(inks.data);
}

static void large_and_broken_profiles_are_ignored(void)
{
    struct bytes icc = profile_adobe(), large = {calloc(1, COLOR_PROFILE_BYTES_MAX + 1), COLOR_PROFILE_BYTES_MAX + 1};
    char garbage[] = "this is no profile at all, whatever it is: a text of more than one hundred and twenty-eight bytes, which is what the "
                     "header of a profile takes";
    memcpy(large.data, icc.data, icc.size);
    expect_ignored(IMAGE_FORMAT_TIFF, COLOR_RGB, large, "larger than 4 MiB");
    expect_ignored(IMAGE_FORMAT_TIFF, COLOR_RGB, (struct bytes){garbage, sizeof garbage}, "damaged");
    expect_ignored(IMAGE_FORMAT_JPEG, COLOR_RGB, (struct bytes){garbage, sizeof garbage}, "damaged");
    expect_ignored(IMAGE_FORMAT_TIFF, COLOR_RGB, (struct bytes){garbage, 3}, "damaged");
    free(large.data);
    free(icc.data);
}

// libpng has an eye on profiles itself.
static void broken_profiles_in_png_are_ignored(void)
{
    struct bytes icc = profile_adobe();
    struct bytes file = png_of(&(struct made){IMAGE_FORMAT_PNG, COLOR_RGB, 8, icc});
    uint8_t *name = memmem(file.data, file.size, "iCCPtest", 8);
    struct image image;
    CU_ASSERT_PTR_NOT_NULL_FATAL(name);
    name[9] = 77; // a way of compression that there is not
    const uint32_t length = png_get_uint_32(name - 4);
    png_save_uint_32(name + 4 + length, png_crc(name, length + 4));
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
    CU_ASSERT_PTR_NOT_NULL(strstr(image.notice, "its ICC profile is ignored: bad compression method"));
    CU_ASSERT_PTR_NULL(image.icc);
    CU_ASSERT(worst_error(&image, COLOR_RGB, plain) < 0.001);
    image_destroy(&image);
    free(file.data);
    free(icc.data);
}

// A scanner's profile says what its colours are, not how to make them.
static void profiles_without_a_way_back_stay_behind(void)
{
    struct bytes icc = profile_scanner();
    struct image image;
    open_made(&(struct made){IMAGE_FORMAT_TIFF, COLOR_RGB, 8, icc}, &image);
    CU_ASSERT_PTR_NOT_NULL(strstr(image.notice, "no way back"));
    CU_ASSERT_PTR_NULL(image.icc);
    CU_ASSERT(worst_error(&image, COLOR_RGB, half_red) < 2);
    image_destroy(&image);
    free(icc.data);
}

static void padded_profiles_are_trimmed(void)
{
    struct bytes icc = profile_adobe(), padded = {calloc(1, icc.size + 1000), icc.size + 1000};
    struct image image;
    memcpy(padded.data, icc.data, icc.size);
    open_made(&(struct made){IMAGE_FORMAT_TIFF, COLOR_RGB, 8, padded}, &image);
    CU_ASSERT_EQUAL(image.icc_size, icc.size);
    image_destroy(&image);
    free(padded.data);
    free(icc.data);
}

// Profiles cut and damaged: ignored or used, but every sample is a colour, and what is carried can be written.
static void hostile_profiles_do_no_harm(void)
{
    const struct bytes profiles[] = {profile_adobe(), profile_grey(2.2), profile_cmyk()};
    static const enum color_space spaces[] = {COLOR_RGB, COLOR_GREY, COLOR_CMYK};
    uint32_t state = 99;
    int ignored = 0, tried = 0;
    for (int i = 0; i < 900; i++) {
        const struct bytes *icc = &profiles[i % 3];
        struct bytes copy = {malloc(icc->size), icc->size};
        struct image image;
        CU_ASSERT_PTR_NOT_NULL_FATAL(copy.data);
        memcpy(copy.data, icc->data, icc->size);
        for (int k = 0; k < 1 + i % 8; k++) {
            state = state * 1664525u + 1013904223u;
            const size_t range = k % 2 && copy.size > 600 ? 600 : copy.size; // where header and tables of tags are
            ((uint8_t *)copy.data)[(state >> 8) % range] = (uint8_t)(state >> 28 == 0 ? 255 : state >> 3);
        }
        if (i % 5 == 0)
            copy.size = 1 + (state >> 8) % copy.size;
        UNIT_OK(image_create(&image, WIDTH, HEIGHT));
        for (int p = 0; p < 3 * PIXELS; p++)
            image.rgb[p] = (float)(p % 511) / 255 - 1;
        image.black = spaces[i % 3] == COLOR_CMYK ? calloc(PIXELS, sizeof *image.black) : NULL;
        UNIT_OK(color_to_srgb(&image, spaces[i % 3], copy.data, copy.size));
        bool whole = !image.black;
        for (int p = 0; p < 3 * PIXELS; p++)
            whole = whole && image.rgb[p] >= -1 && image.rgb[p] <= 1;
        CU_ASSERT(whole);
        ignored += image.notice[0] != '\0';
        tried++;
        if (image.icc)
            for (enum image_format format = IMAGE_FORMAT_PNG; format <= IMAGE_FORMAT_JPEG; format++)
                free(encoded(&image, format).data);
        image_destroy(&image);
        free(copy.data);
    }
    printf("(%d of %d ignored) ", ignored, tried);
    CU_ASSERT(ignored > tried / 10);
    for (int i = 0; i < 3; i++)
        free(profiles[i].data);
}

static const struct unit_test tests[] = {
    {"Adobe RGB as the formula has it", adobe_rgb_as_the_formula},
    {"sRGB is left alone", srgb_is_left_alone},
    {"grey as the formula has it", grey_as_the_formula},
    {"inks as the formula has them", inks_as_the_formula},
    {"profiles go out as they came", profiles_go_out_as_they_came},
    {"other profiles stay behind", other_profiles_stay_behind},
    {"turned pictures keep their profile", turned_pictures_keep_their_profile},
#ifdef ONEIROS_VIPS
    {"WebP has profiles", webp_has_profiles},
#endif
    {"profiles of another space are ignored", profiles_of_another_space_are_ignored},
    {"large and broken profiles are ignored", large_and_broken_profiles_are_ignored},
    {"broken profiles in PNG are ignored", broken_profiles_in_png_are_ignored},
    {"profiles without a way back stay behind", profiles_without_a_way_back_stay_behind},
    {"padded profiles are trimmed", padded_profiles_are_trimmed},
    {"hostile profiles do no harm", hostile_profiles_do_no_harm},
};
UNIT_MAIN("codec: colours", tests)
