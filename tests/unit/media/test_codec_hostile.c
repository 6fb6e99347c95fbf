// SPDX-License-Identifier: MIT
// Files that were cut off or damaged on their way. None may crash, hang or pass a size that the limits forbid; a cut file is an error.
// Worth most when built with ONEIROS_SANITIZE.
#include <time.h>

#include "probed.h"

#include "jpegs.h"
#include "profiles.h"

// libvips 8.14 loses 80 bytes of each OpenEXR file that cannot be opened. What we lose of its objects test_codec_vips tells.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libglib-2.0";
}

enum {
    WIDTH = 64,
    HEIGHT = 48,
    CUTS = 150,          // lengths tried for each file, besides the last few bytes
    FLIPS = 3000,        // damaged copies of each file
    SECONDS_OF_FLIPS = 8 // for all files together, on a slow machine too
};

static const struct image_limits limits = {.side = 2000, .pixels = 1000000};

#define FORMATS TEST_DATA "/formats"

struct file {
    const char *name;
    struct bytes bytes;
    size_t idle; // bytes at the end that a decoder need not see: what closes the file behind the picture
};

static struct bytes tiff_of(int compression, int photometric, int bits, bool tiled)
{
    TIFF *tiff = TIFFOpen("test_hostile.tif", "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(tiff);
    int samples = photometric == PHOTOMETRIC_RGB ? 3 : photometric == PHOTOMETRIC_SEPARATED ? 4 : 1;
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, WIDTH);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, HEIGHT);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, samples);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, photometric);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, compression);
    _Alignas(float) uint8_t buffer[WIDTH * HEIGHT * 4];
    for (size_t i = 0; i < sizeof buffer; i++)
        buffer[i] = (uint8_t)(i / 7 + pattern(0, (int)i, 0, 3));
    if (bits == 32) {
        TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_IEEEFP);
        for (size_t i = 0; i < sizeof buffer / 4; i++)
            ((float *)(void *)buffer)[i] = (float)(i % 100) / 100;
    }
    if (tiled) {
        TIFFSetField(tiff, TIFFTAG_TILEWIDTH, 32);
        TIFFSetField(tiff, TIFFTAG_TILELENGTH, 16);
        for (uint32_t tile = 0; tile < TIFFNumberOfTiles(tiff); tile++)
            CU_ASSERT(TIFFWriteEncodedTile(tiff, tile, buffer, TIFFTileSize(tiff)) > 0);
    } else {
        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 16);
        for (uint32_t strip = 0; strip < TIFFNumberOfStrips(tiff); strip++)
            CU_ASSERT(TIFFWriteEncodedStrip(tiff, strip, buffer, TIFFStripSize(tiff)) > 0);
    }
    TIFFClose(tiff);
    struct bytes file = read_back("test_hostile.tif");
    unlink("test_hostile.tif");
    return file;
}

static struct bytes jpeg_of(J_COLOR_SPACE given, J_COLOR_SPACE stored, bool progressive)
{
    return jpeg_made(&(struct jpeg_kind){.given = given,
                                         .stored = stored,
                                         .progressive = progressive,
                                         .adobe = given == JCS_CMYK,
                                         .sampling = given == JCS_RGB ? 2 : 1,
                                         .width = WIDTH,
                                         .height = HEIGHT});
}

// Of every format, *files malloc'ed. Returns how many.
static int make_files(struct file **files)
{
    struct image plain, alpha, profiled, floats;
    struct bytes icc = profile_adobe();
    photograph_part(&plain, WIDTH, HEIGHT, false);
    photograph_part(&alpha, WIDTH, HEIGHT, true);
    photograph_part(&profiled, WIDTH, HEIGHT, false);
    photograph_part(&floats, WIDTH, HEIGHT, true);
    floats.bits = 32;
    profiled.icc = icc.data;
    profiled.icc_size = icc.size;
    const struct file all[] = {
        {"PNG", encoded(&plain, IMAGE_FORMAT_PNG), 0},
        {"PNG with a profile", encoded(&profiled, IMAGE_FORMAT_PNG), 0},
        {"JPEG with a profile", encoded(&profiled, IMAGE_FORMAT_JPEG), 2},
        {"TIFF", encoded(&alpha, IMAGE_FORMAT_TIFF), 16}, // the name of the program
        {"TIFF, plain tiles", tiff_of(COMPRESSION_NONE, PHOTOMETRIC_RGB, 8, true), 0},
        {"TIFF, LZW", tiff_of(COMPRESSION_LZW, PHOTOMETRIC_RGB, 8, false), 0},
        {"TIFF, JPEG", tiff_of(COMPRESSION_JPEG, PHOTOMETRIC_RGB, 8, false), 0},
        {"TIFF, CMYK", tiff_of(COMPRESSION_LZW, PHOTOMETRIC_SEPARATED, 8, true), 0},
        {"TIFF, grey floats", tiff_of(COMPRESSION_NONE, PHOTOMETRIC_MINISBLACK, 32, false), 0},
        {"TIFF, floats", encoded(&floats, IMAGE_FORMAT_TIFF), 24}, // the name of the program
        {"TIFF, fax", tiff_of(COMPRESSION_CCITTFAX4, PHOTOMETRIC_MINISWHITE, 1, false), 0},
        {"TIFF, PackBits", tiff_of(COMPRESSION_PACKBITS, PHOTOMETRIC_MINISBLACK, 4, false), 0},
        {"JPEG", ffmpeg_encoded("mjpeg", AV_PIX_FMT_YUVJ420P, &plain, ""), 2},
        {"progressive JPEG", jpeg_of(JCS_RGB, JCS_YCbCr, true), 2},
        {"grey JPEG", jpeg_of(JCS_GRAYSCALE, JCS_GRAYSCALE, false), 2},
        {"YCCK JPEG", jpeg_of(JCS_CMYK, JCS_YCCK, false), 2},
        {"BMP", ffmpeg_encoded("bmp", AV_PIX_FMT_BGR24, &plain, ""), 0},
        {"TGA", ffmpeg_encoded("targa", AV_PIX_FMT_BGR24, &plain, ""), 26}, // what says that it is one
        {"PPM", ffmpeg_encoded("ppm", AV_PIX_FMT_RGB24, &plain, ""), 0},
#ifdef ONEIROS_VIPS
        {"lossless WebP", read_back(FORMATS "/photo.webp"), 0},
        {"animated WebP", read_back(FORMATS "/animated.webp"), 0},
        {"GIF", read_back(FORMATS "/photo.gif"), 1},
        {"JPEG XL", read_back(FORMATS "/photo.jxl"), 0},
        {"JPEG 2000", read_back(FORMATS "/photo.jp2"), 0},
        {"HEIC", read_back(FORMATS "/photo.heic"), 0},
        {"AVIF", read_back(FORMATS "/photo-10.avif"), 0},
        {"OpenEXR", read_back(FORMATS "/photo.exr"), 0},
#endif
    };
    int count = 0;
    *files = malloc(sizeof all);
    CU_ASSERT_PTR_NOT_NULL_FATAL(*files);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].bytes.size)
            (*files)[count++] = all[i];
    image_destroy(&plain);
    image_destroy(&alpha);
    image_destroy(&profiled);
    image_destroy(&floats);
    return count;
}

// A copy of exactly this size, so that the sanitizer sees every byte read behind it.
static enum status decode_copy(const void *bytes, size_t size, struct image *image)
{
    void *copy = malloc(size ? size : 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    memcpy(copy, bytes, size);
    enum status rc = codec_decode(copy, size, &limits, image);
    free(copy);
    return rc;
}

static void expect_cut_refused(const struct file *file, size_t size)
{
    struct image image;
    enum status rc = decode_copy(file->bytes.data, size, &image);
    if (rc == STATUS_OK)
        printf("\n%s cut to %zu of %zu bytes was taken for whole", file->name, size, file->bytes.size);
    CU_ASSERT_NOT_EQUAL(rc, STATUS_OK);
    CU_ASSERT(rc == STATUS_OK || (!image.rgb && !image.alpha));
    image_destroy(&image);
}

static void cut_files_are_refused(void)
{
    struct file *files;
    int count = make_files(&files);
    for (int f = 0; f < count; f++) {
        struct image image;
        size_t size = files[f].bytes.size - files[f].idle;
        UNIT_OK(decode_copy(files[f].bytes.data, files[f].bytes.size, &image));
        image_destroy(&image);
        for (int i = 0; i < CUTS; i++)
            expect_cut_refused(&files[f], size * (size_t)i / CUTS);
        for (size_t i = 1; i < 40; i++)
            expect_cut_refused(&files[f], size - i);
        for (size_t i = 0; i < 60; i++)
            expect_cut_refused(&files[f], i);
        free(files[f].bytes.data);
    }
    free(files);
}

// One to eight damaged bytes; half of the time near the start, where the headers are.
static void damage(uint8_t *bytes, size_t size, uint32_t *state)
{
    int count = 1 + (int)(*state >> 29);
    for (int i = 0; i < count; i++) {
        *state = *state * 1664525u + 1013904223u;
        size_t range = *state >> 31 && size > 200 ? 200 : size;
        *state = *state * 1664525u + 1013904223u;
        size_t at = (size_t)(*state >> 4) % range;
        *state = *state * 1664525u + 1013904223u;
        bytes[at] = (uint8_t)(*state >> 30 == 0 ? 0xff : *state >> 30 == 1 ? 0 : bytes[at] ^ 1 << (*state >> 20) % 8);
    }
}

static void check_survivor(const struct image *image)
{
    CU_ASSERT(image->width >= 1 && image->height >= 1 && image->width <= limits.side && image->height <= limits.side);
    CU_ASSERT((uint64_t)image->width * (uint64_t)image->height <= limits.pixels);
    CU_ASSERT(image->bits == 8 || image->bits == 16 || image->bits == 32);
    float lowest = 1, highest = -1; // every sample was filled in, or the sanitizer and these bounds see what was not
    for (size_t i = 0; i < 3 * (size_t)image->width * (size_t)image->height; i++) {
        lowest = fminf(lowest, image->rgb[i]);
        highest = fmaxf(highest, image->rgb[i]);
    }
    CU_ASSERT(lowest >= -1 && highest <= 1);
}

static void damaged_files_do_no_harm(void)
{
    struct file *files;
    int count = make_files(&files);
    clock_t begin = clock();
    uint32_t state = 20240229;
    long tried = 0, refused = 0;
    for (int i = 0; i < FLIPS && clock() - begin < SECONDS_OF_FLIPS * CLOCKS_PER_SEC; i++)
        for (int f = 0; f < count; f++) {
            struct bytes copy = {malloc(files[f].bytes.size), files[f].bytes.size};
            CU_ASSERT_PTR_NOT_NULL_FATAL(copy.data);
            memcpy(copy.data, files[f].bytes.data, copy.size);
            damage(copy.data, copy.size, &state);
            struct image image;
            enum status rc = codec_decode(copy.data, copy.size, &limits, &image);
            if (rc == STATUS_OK)
                check_survivor(&image);
            CU_ASSERT(rc == STATUS_OK || (!image.rgb && status_message()[0] != '\0'));
            tried++;
            refused += rc != STATUS_OK;
            image_destroy(&image);
            free(copy.data);
        }
    printf("(%ld damaged files, %ld refused) ", tried, refused);
    CU_ASSERT(refused > tried / 4);
    for (int f = 0; f < count; f++)
        free(files[f].bytes.data);
    free(files);
}

static const struct unit_test tests[] = {
    {"cut files are refused", cut_files_are_refused},
    {"damaged files do no harm", damaged_files_do_no_harm},
};
UNIT_MAIN("codec: hostile files", tests)
