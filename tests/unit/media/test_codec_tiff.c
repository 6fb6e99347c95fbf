// SPDX-License-Identifier: MIT
// TIFF files written by libtiff from a known pattern, in the kinds that cameras, scanners and programs make.
#include "probed.h"

#include "pictures.h"

enum { WIDTH = 75, HEIGHT = 50, TILE = 32, ROWS_PER_STRIP = 16 };

struct kind {
    const char *mode; // of TIFFOpen: "w", little- or big-endian, classic or BigTIFF
    int photometric, bits, samples;
    int compression, predictor;
    bool tiled, separate;
    int extra; // meaning of the sample after the colours
    int orientation;
};

static bool has_alpha(const struct kind *kind)
{
    return kind->samples == 2 || (kind->samples == 4 && kind->photometric == PHOTOMETRIC_RGB) || kind->samples == 5;
}

static void set_tags(TIFF *tiff, const struct kind *kind)
{
    uint16_t map[3][256];
    uint16_t extra = (uint16_t)kind->extra;
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, WIDTH);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, HEIGHT);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, kind->bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, kind->samples);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, kind->photometric);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, kind->separate ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, kind->compression ? kind->compression : COMPRESSION_NONE);
    if (kind->compression == COMPRESSION_JPEG)
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    if (kind->bits == 32)
        TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_IEEEFP);
    if (kind->predictor)
        TIFFSetField(tiff, TIFFTAG_PREDICTOR, kind->predictor);
    if (has_alpha(kind))
        TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &extra);
    if (kind->orientation)
        TIFFSetField(tiff, TIFFTAG_ORIENTATION, kind->orientation);
    if (kind->photometric == PHOTOMETRIC_PALETTE) {
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < 1 << kind->bits; i++)
                map[c][i] = (uint16_t)(pattern(c, i, 3, 8) * 257);
        TIFFSetField(tiff, TIFFTAG_COLORMAP, map[0], map[1], map[2]);
    }
    if (kind->tiled) {
        TIFFSetField(tiff, TIFFTAG_TILEWIDTH, TILE);
        TIFFSetField(tiff, TIFFTAG_TILELENGTH, TILE);
    } else {
        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, ROWS_PER_STRIP);
    }
}

// JPEG needs something smooth to come back nearly the same.
static unsigned sample(const struct kind *kind, int c, int x, int y)
{
    return kind->compression == COMPRESSION_JPEG ? (unsigned)(2 * x + y + 20 * c) : pattern(c, x, y, kind->bits == 32 ? 16 : kind->bits);
}

static void write_units(TIFF *tiff, const struct kind *kind)
{
    uint8_t buffer[TILE * (WIDTH + TILE) * 16];
    int unit_width = kind->tiled ? TILE : WIDTH, unit_height = kind->tiled ? TILE : ROWS_PER_STRIP;
    int step = kind->separate ? 1 : kind->samples;
    tmsize_t row_bytes = kind->tiled ? TIFFTileRowSize(tiff) : TIFFScanlineSize(tiff);
    for (int plane = 0; plane < (kind->separate ? kind->samples : 1); plane++)
        for (int top = 0; top < HEIGHT; top += unit_height)
            for (int left = 0; left < WIDTH; left += unit_width) {
                int rows = kind->tiled ? TILE : HEIGHT - top < unit_height ? HEIGHT - top : unit_height;
                memset(buffer, 0, sizeof buffer);
                for (int y = 0; y < rows; y++)
                    for (int x = 0; x < unit_width; x++)
                        for (int s = 0; s < step; s++)
                            pack(buffer + y * row_bytes, x * step + s, kind->bits,
                                 sample(kind, kind->separate ? plane : s, left + x, top + y));
                tmsize_t size = rows * row_bytes;
                if (kind->tiled)
                    CU_ASSERT_EQUAL(
                        TIFFWriteEncodedTile(tiff, TIFFComputeTile(tiff, (uint32_t)left, (uint32_t)top, 0, (uint16_t)plane), buffer, size),
                        size)
                else
                    CU_ASSERT_EQUAL(TIFFWriteEncodedStrip(tiff, TIFFComputeStrip(tiff, (uint32_t)top, (uint16_t)plane), buffer, size), size)
            }
}

static struct bytes make(const struct kind *kind)
{
    TIFF *tiff = TIFFOpen("test_codec.tif", kind->mode ? kind->mode : "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(tiff);
    set_tags(tiff, kind);
    write_units(tiff, kind);
    TIFFClose(tiff);
    return read_and_remove("test_codec.tif");
}

// The largest sample; floats are held against 16 bits.
static int full_of(const struct kind *kind)
{
    return kind->bits > 8 ? 65535 : 255;
}

static double expected(const struct kind *kind, int c, int x, int y)
{
    int colours = kind->photometric == PHOTOMETRIC_RGB ? 3 : 1, full = full_of(kind);
    if (kind->photometric == PHOTOMETRIC_PALETTE)
        return pattern(c, (int)sample(kind, 0, x, y), 3, 8);
    if (kind->photometric == PHOTOMETRIC_SEPARATED && c < 3)
        return full * (1 - (double)sample(kind, c, x, y) / full) * (1 - (double)sample(kind, 3, x, y) / full);
    if (c == 3)
        return sample(kind, kind->samples - 1, x, y);
    long value = sample(kind, colours == 3 ? c : 0, x, y);
    if (kind->bits < 8)
        value = value * 255 / ((1 << kind->bits) - 1);
    return (double)(kind->photometric == PHOTOMETRIC_MINISWHITE ? full - value : value);
}

static double seen(const struct kind *kind, const struct image *image, int c, int x, int y)
{
    const int at = y * WIDTH + x;
    return c == 3 ? image->alpha[at] : (image->rgb[c * WIDTH * HEIGHT + at] + 1.0) * full_of(kind) / 2;
}

static void check(const struct kind *kind)
{
    struct bytes file = make(kind);
    struct image image;
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
    const bool alpha = has_alpha(kind);
    CU_ASSERT_FATAL(image.width == WIDTH && image.height == HEIGHT && image.bits == (kind->bits < 8 ? 8 : kind->bits));
    CU_ASSERT_EQUAL(image.format, IMAGE_FORMAT_TIFF);
    CU_ASSERT_EQUAL_FATAL(image.alpha != NULL, alpha);
    double tolerance = kind->compression == COMPRESSION_JPEG ? 6 : 0.02;
    int wrong = 0;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int c = 0; c < (alpha ? 4 : 3); c++)
                wrong += fabs(seen(kind, &image, c, x, y) - expected(kind, c, x, y)) > tolerance;
    if (wrong)
        printf("\nphotometric %d, %d bits x %d, compression %d, tiled %d, separate %d: %d samples are wrong", kind->photometric, kind->bits,
               kind->samples, kind->compression, kind->tiled, kind->separate, wrong);
    CU_ASSERT_EQUAL(wrong, 0);
    image_destroy(&image);
    free(file.data);
}

static void every_layout(void)
{
    static const struct {
        int photometric, bits, samples;
    } kinds[] = {
        {PHOTOMETRIC_RGB, 8, 3},         {PHOTOMETRIC_RGB, 16, 3},        {PHOTOMETRIC_RGB, 8, 4},         {PHOTOMETRIC_RGB, 16, 4},
        {PHOTOMETRIC_MINISBLACK, 1, 1},  {PHOTOMETRIC_MINISBLACK, 2, 1},  {PHOTOMETRIC_MINISBLACK, 4, 1},  {PHOTOMETRIC_MINISBLACK, 8, 1},
        {PHOTOMETRIC_MINISBLACK, 16, 1}, {PHOTOMETRIC_MINISBLACK, 8, 2},  {PHOTOMETRIC_MINISBLACK, 16, 2}, {PHOTOMETRIC_MINISWHITE, 1, 1},
        {PHOTOMETRIC_MINISWHITE, 4, 1},  {PHOTOMETRIC_MINISWHITE, 8, 1},  {PHOTOMETRIC_MINISWHITE, 16, 1}, {PHOTOMETRIC_PALETTE, 1, 1},
        {PHOTOMETRIC_SEPARATED, 8, 4},   {PHOTOMETRIC_SEPARATED, 16, 4},  {PHOTOMETRIC_RGB, 32, 3},        {PHOTOMETRIC_RGB, 32, 4},
        {PHOTOMETRIC_MINISBLACK, 32, 1}, {PHOTOMETRIC_MINISBLACK, 32, 2}, {PHOTOMETRIC_MINISWHITE, 32, 1}, {PHOTOMETRIC_PALETTE, 2, 1},
        {PHOTOMETRIC_PALETTE, 4, 1},     {PHOTOMETRIC_PALETTE, 8, 1},     {PHOTOMETRIC_SEPARATED, 8, 5},   {PHOTOMETRIC_SEPARATED, 16, 5}};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        for (int tiled = 0; tiled < 2; tiled++)
            for (int separate = 0; separate <= (kinds[k].samples > 1); separate++)
                for (int big_endian = 0; big_endian < 2; big_endian++)
                    check(&(struct kind){.mode = big_endian ? "wb" : "wl",
                                         .photometric = kinds[k].photometric,
                                         .bits = kinds[k].bits,
                                         .samples = kinds[k].samples,
                                         .tiled = tiled,
                                         .separate = separate,
                                         .extra = EXTRASAMPLE_UNASSALPHA});
}

static void every_compression(void)
{
    static const int codes[] = {COMPRESSION_LZW,  COMPRESSION_PACKBITS, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_LZMA,     COMPRESSION_ZSTD,
                                COMPRESSION_JPEG, COMPRESSION_CCITTRLE, COMPRESSION_CCITTFAX3,     COMPRESSION_CCITTFAX4};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (!TIFFIsCODECConfigured((uint16_t)codes[i])) {
            printf("(this libtiff has no compression %d) ", codes[i]);
            continue;
        }
        struct kind kind = {.photometric = PHOTOMETRIC_RGB, .bits = 8, .samples = 3, .compression = codes[i]};
        if (codes[i] >= COMPRESSION_CCITTRLE && codes[i] <= COMPRESSION_CCITTFAX4)
            kind.photometric = PHOTOMETRIC_MINISWHITE, kind.bits = 1, kind.samples = 1;
        check(&kind);
        kind.tiled = codes[i] != COMPRESSION_CCITTRLE;
        check(&kind);
    }
    check(&(struct kind){.photometric = PHOTOMETRIC_RGB, .bits = 16, .samples = 3, .compression = COMPRESSION_LZW, .predictor = 2});
    // libtiff 4.5 writes this predictor wrongly in the byte order that is not the machine's.
    check(
        &(struct kind){.photometric = PHOTOMETRIC_RGB, .bits = 32, .samples = 3, .compression = COMPRESSION_ADOBE_DEFLATE, .predictor = 3});
    check(&(struct kind){
        .mode = "wb8", .photometric = PHOTOMETRIC_RGB, .bits = 16, .samples = 3, .compression = COMPRESSION_ADOBE_DEFLATE, .predictor = 2});
}

// A palette with alpha beside it, as ImageMagick writes it, interleaved and in planes, said to be alpha or not.
static void palette_with_alpha(void)
{
    enum { WIDE = 61, HIGH = 23 };
    for (int layout = 0; layout < 8; layout++) {
        const bool separate = layout & 1, named = layout & 2, tiled = layout & 4;
        const uint16_t extra = layout & 1 ? EXTRASAMPLE_ASSOCALPHA : EXTRASAMPLE_UNASSALPHA; // a palette's colours are as they are
        uint16_t map[3][256];
        uint8_t unit[64 * 32 * 2];
        struct image image;
        TIFF *tiff = TIFFOpen("test_codec.tif", "wl");
        CU_ASSERT_PTR_NOT_NULL_FATAL(tiff);
        for (int i = 0; i < 256; i++)
            map[0][i] = (uint16_t)(257 * i), map[1][i] = (uint16_t)(257 * (255 - i)), map[2][i] = (uint16_t)(257 * (i * 7 % 256));
        TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, WIDE);
        TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, HIGH);
        TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
        TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 2);
        TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_PALETTE);
        TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, separate ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
        TIFFSetField(tiff, TIFFTAG_COLORMAP, map[0], map[1], map[2]);
        if (named)
            TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &extra);
        if (tiled)
            TIFFSetField(tiff, TIFFTAG_TILEWIDTH, 64), TIFFSetField(tiff, TIFFTAG_TILELENGTH, 32);
        else
            TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, HIGH);
        const int wide = tiled ? 64 : WIDE, high = tiled ? 32 : HIGH, step = separate ? 1 : 2;
        for (int plane = 0; plane < 3 - step; plane++) {
            for (int i = 0; i < wide * high * step; i++)
                unit[i] = (uint8_t)pattern(separate ? plane : i % 2, i / step % wide, i / step / wide, 8);
            if (tiled)
                CU_ASSERT(TIFFWriteEncodedTile(tiff, (uint32_t)plane, unit, wide * high * step) > 0)
            else
                CU_ASSERT(TIFFWriteEncodedStrip(tiff, (uint32_t)plane, unit, wide * high * step) > 0)
        }
        TIFFClose(tiff);
        struct bytes file = read_and_remove("test_codec.tif");
        UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
        CU_ASSERT_PTR_NOT_NULL_FATAL(image.alpha);
        int wrong = 0;
        for (int y = 0; y < HIGH; y++)
            for (int x = 0; x < WIDE; x++) {
                const int index = (int)pattern(0, x, y, 8);
                wrong += sample_at(&image, 0, x, y) != index || sample_at(&image, 1, x, y) != 255 - index ||
                         sample_at(&image, 2, x, y) != index * 7 % 256 || sample_at(&image, 3, x, y) != pattern(1, x, y, 8);
            }
        CU_ASSERT_EQUAL(wrong, 0);
        image_destroy(&image);
        free(file.data);
    }
}

static void jpeg_within_tiff_as_ycbcr(void)
{
    struct kind kind = {.photometric = PHOTOMETRIC_YCBCR, .bits = 8, .samples = 3, .compression = COMPRESSION_JPEG};
    struct bytes file = make(&kind); // libtiff takes RGB and stores YCbCr
    struct image image;
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
    for (int c = 0; c < 3; c++)
        CU_ASSERT(labs(sample_at(&image, c, 40, 25) - (long)sample(&kind, c, 40, 25)) < 6);
    image_destroy(&image);
    free(file.data);
}

static void premultiplied_alpha_is_divided_out(void)
{
    struct kind kind = {.photometric = PHOTOMETRIC_RGB, .bits = 8, .samples = 4, .extra = EXTRASAMPLE_ASSOCALPHA};
    struct bytes file = make(&kind);
    struct image image;
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            double stored = sample(&kind, 0, x, y), alpha = sample(&kind, 3, x, y);
            double full = alpha > 0 ? fmin(stored * 255 / alpha, 255) : 0;
            CU_ASSERT(fabs(image.rgb[y * WIDTH + x] - (full / 127.5 - 1)) < 1e-5);
            CU_ASSERT_EQUAL(sample_at(&image, 3, x, y), (long)alpha);
        }
    image_destroy(&image);
    free(file.data);
}

static void orientation_is_undone(void)
{
    for (int o = 1; o <= 8; o++) {
        struct kind kind = {.photometric = PHOTOMETRIC_RGB, .bits = 8, .samples = 4, .orientation = o, .extra = EXTRASAMPLE_UNASSALPHA};
        struct bytes file = make(&kind);
        expect_upright(&file, o, WIDTH, HEIGHT);
    }
}

// The entry of one tag in the only directory of a little-endian classic TIFF.
static uint8_t *find_entry(struct bytes *file, unsigned tag)
{
    uint8_t *bytes = file->data;
    uint32_t at = bytes[4] | (uint32_t)bytes[5] << 8 | (uint32_t)bytes[6] << 16;
    int count = bytes[at] | bytes[at + 1] << 8;
    for (int i = 0; i < count; i++) {
        uint8_t *entry = bytes + at + 2 + 12 * i;
        if ((unsigned)(entry[0] | entry[1] << 8) == tag)
            return entry;
    }
    CU_FAIL_FATAL("the tag is not there");
    return NULL;
}

static void set_value(struct bytes *file, unsigned tag, uint32_t value)
{
    uint8_t *entry = find_entry(file, tag);
    entry[2] = TIFF_LONG;
    for (int i = 0; i < 4; i++)
        entry[8 + i] = (uint8_t)(value >> 8 * i);
}

static void lying_tags(void)
{
    static const struct {
        unsigned tag;
        uint32_t value;
        bool tiled;
        enum status status;
    } lies[] = {{TIFFTAG_IMAGEWIDTH, 65000, false, STATUS_LIMIT},
                {TIFFTAG_IMAGELENGTH, 65000, false, STATUS_LIMIT},
                {TIFFTAG_IMAGELENGTH, 0, false, STATUS_FORMAT},
                {TIFFTAG_IMAGEWIDTH, 2 * WIDTH, false, STATUS_FORMAT},
                {TIFFTAG_IMAGELENGTH, HEIGHT + ROWS_PER_STRIP, false, STATUS_FORMAT},
                {TIFFTAG_TILEWIDTH, 0x7ffffff0, true, STATUS_LIMIT},
                {TIFFTAG_TILELENGTH, 0x7ffffff0, true, STATUS_LIMIT},
                {TIFFTAG_TILEWIDTH, 4096, true, STATUS_FORMAT},
                {TIFFTAG_BITSPERSAMPLE, 12, false, STATUS_UNSUPPORTED},
                {TIFFTAG_BITSPERSAMPLE, 24, false, STATUS_UNSUPPORTED},
                {TIFFTAG_BITSPERSAMPLE, 32, false, STATUS_FORMAT},
                {TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_SEPARATED, false, STATUS_UNSUPPORTED},
                {TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_CIELAB, false, STATUS_UNSUPPORTED},
                {TIFFTAG_COMPRESSION, 9999, false, STATUS_UNSUPPORTED},
                {TIFFTAG_COMPRESSION, COMPRESSION_LZW, false, STATUS_FORMAT}};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct bytes file =
            make(&(struct kind){.mode = "wl", .photometric = PHOTOMETRIC_MINISBLACK, .bits = 8, .samples = 1, .tiled = lies[i].tiled});
        set_value(&file, lies[i].tag, lies[i].value);
        expect_refused(&file, &roomy, lies[i].status, "");
        free(file.data);
    }
}

static void formats_of_samples(void)
{
    static const struct {
        int format, bits, photometric, samples;
        const char *message;
    } cases[] = {
        {SAMPLEFORMAT_COMPLEXINT, 32, PHOTOMETRIC_MINISBLACK, 1, "a TIFF with complex samples; convert them to their magnitude"},
        {SAMPLEFORMAT_COMPLEXIEEEFP, 64, PHOTOMETRIC_RGB, 3, "a TIFF with complex samples; convert them to their magnitude"},
        {SAMPLEFORMAT_IEEEFP, 16, PHOTOMETRIC_SEPARATED, 4, "a TIFF with float samples that are neither grey nor RGB; convert it to RGB"},
        {SAMPLEFORMAT_INT, 8, PHOTOMETRIC_SEPARATED, 4, "a TIFF with signed samples that are neither grey nor RGB; convert it to RGB"},
        {SAMPLEFORMAT_UINT, 12, PHOTOMETRIC_MINISBLACK, 1, "a TIFF with 12 bits a sample; convert it to 8, 16 or 32"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static const uint8_t row[WIDTH * 3 * 8];
        TIFF *tiff = TIFFOpen("test_codec.tif", "wl");
        CU_ASSERT_PTR_NOT_NULL_FATAL(tiff);
        TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, WIDTH);
        TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, 1);
        TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, cases[i].bits);
        TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, cases[i].format);
        TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, cases[i].samples);
        TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, cases[i].photometric);
        TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
        CU_ASSERT_EQUAL(TIFFWriteScanline(tiff, (void *)(uintptr_t)row, 0, 0), 1);
        TIFFClose(tiff);
        struct bytes file = read_and_remove("test_codec.tif");
        expect_refused(&file, &roomy, STATUS_UNSUPPORTED, cases[i].message);
        free(file.data);
    }
}

// Pages of grey, the first of 8 bits, others of 16.
static struct bytes pages_of(const char *mode, int pages)
{
    TIFF *tiff = TIFFOpen("test_codec.tif", mode);
    CU_ASSERT_PTR_NOT_NULL_FATAL(tiff);
    for (int page = 0; page < pages; page++) {
        const struct kind kind = {.photometric = PHOTOMETRIC_MINISBLACK, .bits = page ? 16 : 8, .samples = 1};
        set_tags(tiff, &kind);
        write_units(tiff, &kind);
        CU_ASSERT(TIFFWriteDirectory(tiff));
    }
    TIFFClose(tiff);
    return read_and_remove("test_codec.tif");
}

#ifdef TIFFLIB_AT_LEAST
// Other libraries of a process take libtiff's messages for themselves, as libvips does when it begins: ours come here all the same.
static void what_others_do_with_messages(void)
{
    struct bytes good = pages_of("wl", 1), bad = {.size = 64};
    struct image image;
    UNIT_OK(codec_decode(good.data, good.size, &roomy, &image));
    image_destroy(&image);
    bad.data = calloc(bad.size, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bad.data);
    memcpy(bad.data, "II*\0\377\377\0", 8); // a directory behind the end
    const TIFFErrorHandler errors = TIFFSetErrorHandler(NULL), warnings = TIFFSetWarningHandler(NULL);
    expect_refused(&bad, &roomy, STATUS_FORMAT, "not a valid TIFF: Failed to read directory");
    TIFFSetErrorHandler(errors);
    TIFFSetWarningHandler(warnings);
    free(bad.data);
    free(good.data);
}
#endif

// Whichever page the last one is followed by.
static void pages_in_a_circle(void)
{
    enum { PAGES = 7 };
    uint32_t at[PAGES], link = 4;
    struct bytes file = pages_of("wl", PAGES);
    uint8_t *bytes = file.data;
    for (int page = 0; page < PAGES; page++) {
        memcpy(&at[page], bytes + link, 4);
        link = at[page] + 2 + 12 * (bytes[at[page]] | (uint32_t)bytes[at[page] + 1] << 8);
    }
    for (int page = 0; page < PAGES; page++) {
        memcpy(bytes + link, &at[page], 4);
        struct image image;
        UNIT_OK(codec_decode(file.data, file.size, &roomy, &image)); // the first is there, and as good as any
        CU_ASSERT_STRING_EQUAL(image.notice, "pages that run in a circle: the first is taken");
        image_destroy(&image);
    }
    free(file.data);
}

// `count` float samples of a grey picture 50 pixels wide, of `bits` bits each (the floats' first bytes).
static struct bytes floats(const float *samples, int count, int bits)
{
    TIFF *tiff = TIFFOpen("test_codec.tif", "wl");
    CU_ASSERT_PTR_NOT_NULL_FATAL(tiff);
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, 50);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, count / 50);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_IEEEFP);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    for (int y = 0; y < count / 50; y++)
        CU_ASSERT_EQUAL(TIFFWriteScanline(tiff, (void *)(uintptr_t)(samples + 50 * y), (uint32_t)y, 0), 1);
    TIFFClose(tiff);
    return read_and_remove("test_codec.tif");
}

static void strange_floats(void)
{
    float samples[200];
    struct image image;
    struct image_limits by_type = roomy;
    UNIT_OK(image_choice_parse(&by_type.choice, "auto", "type"));
    for (int i = 0; i < 200; i++)
        samples[i] = (float)(i % 50) / 50;
    for (int i = 0; i < 10; i++)
        samples[20 * i] = i == 0 ? -0.5f : 3;
    struct bytes file = floats(samples, 200, 32);
    UNIT_OK(codec_decode(file.data, file.size, &by_type, &image));
    CU_ASSERT(image.rgb[0] == -1 && image.rgb[20] == 1 && fabsf(image.rgb[1] + 0.96f) < 1e-6f);
    CU_ASSERT_STRING_EQUAL(image.notice, "5% of the samples lie outside 0..1, from -0.5 to 3: they are clipped");
    image_destroy(&image);
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
    CU_ASSERT_STRING_EQUAL(image.notice,
                           "its values go from -0.5 to 3: 0.02 and 3, the percentiles 2 and 98, are black and white (input.range)");
    CU_ASSERT(fabsf(image.rgb[15] - (0.28f / 2.98f * 2 - 1)) < 1e-6f);
    image_destroy(&image);
    free(file.data);
    for (int i = 0; i < 200; i++) // percentiles that are none
        samples[i] = i < 5 ? -2 : i < 10 ? 3 : 0.25f;
    UNIT_OK(image_choice_parse(&by_type.choice, "auto", "p40,p60"));
    file = floats(samples, 200, 32);
    UNIT_OK(codec_decode(file.data, file.size, &by_type, &image));
    CU_ASSERT_STRING_EQUAL(image.notice,
                           "the percentiles 40 and 60 of its values are both 0.25: instead, -2 and 3 are black and white (input.range)");
    image_destroy(&image);
    free(file.data);
    for (int i = 0; i < 200; i++)
        samples[i] = (float)(i % 50) / 50;
    for (int i = 0; i < 10; i++)
        samples[20 * i] = i == 0 ? -0.5f : 3;
    samples[3 * 50 + 7] = NAN;
    samples[3 * 50 + 8] = -INFINITY;
    file = floats(samples, 200, 32);
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
    CU_ASSERT(image.rgb[3 * 50 + 7] == 0 && image.rgb[3 * 50 + 8] == 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(image.notice, "; 1% of the samples are no data and stay so"));
    image_destroy(&image);
    free(file.data);
}

// A TIFF of floats stays one; PNG takes 16 bits of them, JPEG 8.
static void floats_come_out_again(void)
{
    struct kind kind = {.photometric = PHOTOMETRIC_RGB, .bits = 32, .samples = 4, .extra = EXTRASAMPLE_UNASSALPHA};
    struct bytes file = make(&kind);
    static const int bits[] = {[IMAGE_FORMAT_PNG] = 16, [IMAGE_FORMAT_TIFF] = 32, [IMAGE_FORMAT_JPEG] = 8};
    struct image image, back;
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
    free(file.data);
    for (enum image_format format = IMAGE_FORMAT_PNG; format <= IMAGE_FORMAT_JPEG; format++) {
        double worst = 0;
        file = encoded(&image, format);
        UNIT_OK(codec_decode(file.data, file.size, &roomy, &back));
        CU_ASSERT_EQUAL(back.bits, bits[format]);
        CU_ASSERT_EQUAL_FATAL(back.alpha != NULL, format != IMAGE_FORMAT_JPEG);
        for (int i = 0; i < 3 * WIDTH * HEIGHT; i++)
            worst = fmax(worst, fabs((double)back.rgb[i] - image.rgb[i]));
        CU_ASSERT(worst < (format == IMAGE_FORMAT_TIFF ? 2.5e-7 : format == IMAGE_FORMAT_PNG ? 1.01 / 65535 : 1));
        for (int i = 0; back.alpha && i < WIDTH * HEIGHT; i++)
            CU_ASSERT_EQUAL(back.alpha[i], image.alpha[i]);
        image_destroy(&back);
        free(file.data);
    }
    image_destroy(&image);
}

static void the_first_of_several_pages(void)
{
    static const char *const modes[] = {"wl", "wb", "wl8", "wb8"};
    for (size_t m = 0; m < sizeof modes / sizeof modes[0]; m++)
        for (int pages = 1; pages <= 3; pages++) {
            struct bytes file = pages_of(modes[m], pages);
            struct image image;
            UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
            CU_ASSERT_EQUAL(image.bits, 8);
            CU_ASSERT_STRING_EQUAL(image.notice, pages == 1   ? ""
                                                 : pages == 2 ? "2 pages: the first is taken"
                                                              : "3 pages: the first is taken");
            image_destroy(&image);
            free(file.data);
        }
}

// Smaller versions and masks are no pages; a mask of the first page is worth a word, one of a smaller version is not.
static void pages_beside_the_first(void)
{
    static const struct {
        int kinds[4];
        const char *notice;
    } cases[] = {
        {{FILETYPE_REDUCEDIMAGE, FILETYPE_REDUCEDIMAGE}, ""},
        {{FILETYPE_MASK}, "its transparency mask, a page of its own, does not come along"},
        {{FILETYPE_REDUCEDIMAGE, FILETYPE_REDUCEDIMAGE | FILETYPE_MASK}, ""},
        {{FILETYPE_PAGE, FILETYPE_REDUCEDIMAGE}, "2 pages: the first is taken"},
        {{FILETYPE_REDUCEDIMAGE, FILETYPE_PAGE, FILETYPE_MASK},
         "2 pages: the first is taken; its transparency mask, a page of its own, does not come along"},
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        TIFF *tiff = TIFFOpen("test_codec.tif", i % 2 ? "wb" : "wl8");
        CU_ASSERT_PTR_NOT_NULL_FATAL(tiff);
        for (int page = 0; page < 5 && (page == 0 || cases[i / 2].kinds[page - 1]); page++) {
            const struct kind kind = {.photometric = PHOTOMETRIC_MINISBLACK, .bits = 8, .samples = 1};
            set_tags(tiff, &kind);
            if (page > 0)
                TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, cases[i / 2].kinds[page - 1]);
            write_units(tiff, &kind);
            CU_ASSERT(TIFFWriteDirectory(tiff));
        }
        TIFFClose(tiff);
        struct bytes file = read_and_remove("test_codec.tif");
        struct image image;
        UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
        CU_ASSERT_STRING_EQUAL(image.notice, cases[i / 2].notice);
        image_destroy(&image);
        free(file.data);
    }
}

// What programs write into a stack of pages of itself does not hold for one of them; what people write stays.
static void descriptions_of_stacks(void)
{
    static const char *const texts[] = {"ImageJ=1.53\nimages=5\nslices=5\n", "{\"shape\": [5, 160, 240]}",
                                        "<?xml version=\"1.0\"?><OME xmlns=\"o\"><Image ID=\"1\"/></OME>", "slices of a leaf, with ImageJ"};
    for (int i = 0; i < 8; i++) {
        const int pages = 1 + i % 2;
        TIFF *tiff = TIFFOpen("test_codec.tif", i % 4 ? "wl" : "wb8");
        CU_ASSERT_PTR_NOT_NULL_FATAL(tiff);
        for (int page = 0; page < pages; page++) {
            const struct kind kind = {.photometric = PHOTOMETRIC_MINISBLACK, .bits = 8, .samples = 1};
            set_tags(tiff, &kind);
            TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, texts[i / 2]);
            write_units(tiff, &kind);
            CU_ASSERT(TIFFWriteDirectory(tiff));
        }
        TIFFClose(tiff);
        struct bytes file = read_and_remove("test_codec.tif");
        struct image image;
        UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
        if (pages > 1 && i / 2 < 3)
            CU_ASSERT_PTR_NULL(image.tags.description)
        else
            CU_ASSERT_STRING_EQUAL(image.tags.description, texts[i / 2]);
        image_destroy(&image);
        free(file.data);
    }
}

// What is longer than any EXIF or XMP is left out, which is said; what is not comes along. JPEG has less room.
static void long_tags(void)
{
    enum { LONGEST = 16 << 20, ROOM_OF_JPEG = 65533 - 29 };
    static const struct {
        int xmp, description;
        const char *notice;
        bool jpeg;
    } cases[] = {
        {ROOM_OF_JPEG, 10, "", true},
        {ROOM_OF_JPEG + 1, 10, "", false},
        {10, ROOM_OF_JPEG + 100, "", false},
        {LONGEST, 10, "", false},
        {LONGEST + 1, 10, "some of its tags are left out: damaged, or more than 16 MiB", true},
        {10, LONGEST + 1, "some of its tags are left out: damaged, or more than 16 MiB", true},
        {10, LONGEST, "its tags are left out: they are more than 16 MiB", true}, // with what is around it
    };
    const struct kind kind = {.photometric = PHOTOMETRIC_MINISBLACK, .bits = 8, .samples = 1};
    char *text = malloc(LONGEST + 2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, 'x', LONGEST + 2);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        TIFF *tiff = TIFFOpen("test_codec.tif", "w");
        CU_ASSERT_PTR_NOT_NULL_FATAL(tiff);
        set_tags(tiff, &kind);
        TIFFSetField(tiff, TIFFTAG_XMLPACKET, cases[i].xmp, text);
        text[cases[i].description - 1] = '\0';
        TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, text);
        text[cases[i].description - 1] = 'x';
        write_units(tiff, &kind);
        TIFFClose(tiff);
        struct bytes file = read_and_remove("test_codec.tif");
        struct image image;
        UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
        CU_ASSERT_STRING_EQUAL(image.notice, cases[i].notice);
        CU_ASSERT_EQUAL(image.tags.xmp != NULL, cases[i].xmp <= LONGEST);
        CU_ASSERT_EQUAL(codec_jpeg_holds(&image.tags), cases[i].jpeg);
        image_destroy(&image);
        free(file.data);
    }
    free(text);
}

static const struct unit_test tests[] = {
#ifdef TIFFLIB_AT_LEAST
    {"what others do with libtiff's messages", what_others_do_with_messages},
#endif
    {"palette with alpha", palette_with_alpha},
    {"every kind of pixel, strips and tiles, both byte orders", every_layout},
    {"every compression", every_compression},
    {"YCbCr within JPEG", jpeg_within_tiff_as_ycbcr},
    {"premultiplied alpha is divided out", premultiplied_alpha_is_divided_out},
    {"orientation is undone", orientation_is_undone},
    {"lying tags", lying_tags},
    {"formats of samples", formats_of_samples},
    {"pages in a circle", pages_in_a_circle},
    {"strange floats", strange_floats},
    {"floats come out again", floats_come_out_again},
    {"the first of several pages", the_first_of_several_pages},
    {"descriptions of stacks", descriptions_of_stacks},
    {"long tags", long_tags},
    {"pages beside the first", pages_beside_the_first},
};
UNIT_MAIN("codec: TIFF", tests)
