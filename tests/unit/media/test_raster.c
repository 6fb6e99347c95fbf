// SPDX-License-Identifier: MIT
// Rasters of science: TIFFs of every type of sample and any number of bands, of which three are dreamed on. What is not dreamed on, what
// has no data and what else the file says is in the dream's file as it was.
#include "probed.h"

#include "common/picture/samples.h"
#include "media/picture/codec_formats.h"
#include "pictures.h"

enum {
    WIDTH = 70,
    HEIGHT = 45,
    TILE = 32,
    ROWS = 16,
    GEO_SCALE = 33550,
    GEO_POINTS = 33922,
    GEO_KEYS = 34735,
    GEO_MATRIX = 34264,
    RPC = 50844,
    GDAL = 42112,
    NO_DATA = 42113
};

struct kind {
    struct sample_type type;
    int photometric, samples;
    bool separate, tiled;
    const char *mode, *no_data;
    double low, high; // of the values; both 0: of the type
    int holes;        // every so many pixels has no data; 0: none
    int compression, orientation;
    bool points, matrix; // pixels are points; by a matrix
    const char *caption;
    int tile;   // pixels along a side; 0: TILE
    int sparse; // every second strip or tile is left out, or full of no data, or 0
};
enum { LEFT_OUT = 1, FULL_OF_NOTHING };

static int tile_of(const struct kind *kind)
{
    return kind->tile ? kind->tile : TILE;
}

static void range_of(const struct kind *kind, double *low, double *high)
{
    samples_range(kind->type, low, high);
    if (kind->low != 0 || kind->high != 0)
        *low = kind->low, *high = kind->high;
}

static bool is_hole(const struct kind *kind, int x, int y)
{
    return kind->holes && (x + y * WIDTH) % kind->holes == 0;
}

static double value_at(const struct kind *kind, int band, int x, int y)
{
    double low, high;
    range_of(kind, &low, &high);
    if (is_hole(kind, x, y) && band < 3)
        return kind->no_data ? atof(kind->no_data) : NAN;
    return low + (0.05 + 0.9 * (double)pattern(band, x, y, 16) / 65535) * (high - low);
}

static void add_unknown_tags(TIFF *tiff)
{
    static const TIFFFieldInfo fields[] = {{GEO_SCALE, -1, -1, TIFF_DOUBLE, FIELD_CUSTOM, 1, 1, (char *)"scale"},
                                           {GEO_POINTS, -1, -1, TIFF_DOUBLE, FIELD_CUSTOM, 1, 1, (char *)"points"},
                                           {GEO_KEYS, -1, -1, TIFF_SHORT, FIELD_CUSTOM, 1, 1, (char *)"keys"},
                                           {GEO_MATRIX, -1, -1, TIFF_DOUBLE, FIELD_CUSTOM, 1, 1, (char *)"matrix"},
                                           {RPC, -1, -1, TIFF_DOUBLE, FIELD_CUSTOM, 1, 1, (char *)"rpc"},
                                           {GDAL, -1, -1, TIFF_ASCII, FIELD_CUSTOM, 1, 0, (char *)"gdal"},
                                           {NO_DATA, -1, -1, TIFF_ASCII, FIELD_CUSTOM, 1, 0, (char *)"nodata"}};
    TIFFMergeFieldInfo(tiff, fields, sizeof fields / sizeof fields[0]);
}

static const double matrix[16] = {10, 0.2, 0, 7000, 0.3, -12, 0, 5000, 0, 0, 0, 0, 0, 0, 0, 1};
static const uint16_t point_keys[12] = {1, 1, 0, 2, 1025, 0, 1, 2, 3072, 0, 1, 32632};
static const double scale[3] = {10, 10, 0}, points[6] = {0, 0, 0, 399960, 5300040, 0};
static const uint16_t keys[8] = {1, 1, 0, 1, 3072, 0, 1, 32632};
static const char caption[] = "a field in May";

static void set_tags(TIFF *tiff, const struct kind *kind)
{
    static const uint16_t formats[] = {
        [SAMPLE_UINT] = SAMPLEFORMAT_UINT, [SAMPLE_INT] = SAMPLEFORMAT_INT, [SAMPLE_FLOAT] = SAMPLEFORMAT_IEEEFP};
    const uint16_t none[16] = {0};
    const int colours = kind->photometric == PHOTOMETRIC_RGB ? 3 : 1;
    add_unknown_tags(tiff);
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, WIDTH);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, HEIGHT);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, kind->type.bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, formats[kind->type.kind]);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, kind->samples);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, kind->photometric);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, kind->separate ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, kind->compression ? kind->compression : COMPRESSION_LZW);
    TIFFSetField(tiff, TIFFTAG_ORIENTATION, kind->orientation ? kind->orientation : 1);
    if (kind->samples > colours)
        TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, kind->samples - colours, none);
    if (kind->tiled)
        TIFFSetField(tiff, TIFFTAG_TILEWIDTH, tile_of(kind)), TIFFSetField(tiff, TIFFTAG_TILELENGTH, tile_of(kind));
    else
        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, ROWS);
    TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, kind->caption ? kind->caption : caption);
    TIFFSetField(tiff, TIFFTAG_XRESOLUTION, 300.0);
    TIFFSetField(tiff, TIFFTAG_YRESOLUTION, 300.0);
    if (kind->matrix)
        TIFFSetField(tiff, GEO_MATRIX, 16, matrix);
    else
        TIFFSetField(tiff, GEO_SCALE, 3, scale), TIFFSetField(tiff, GEO_POINTS, 6, points);
    TIFFSetField(tiff, GEO_KEYS, kind->points ? 12 : 8, kind->points ? point_keys : keys);
    if (kind->points)
        TIFFSetField(tiff, RPC, 16, matrix);
    if (kind->no_data)
        TIFFSetField(tiff, GDAL,
                     "<GDALMetadata>\n  <Item name=\"SENSOR\">S2A</Item>\n  <Item name=\"WAVE\" sample=\"0\">450</Item>\n"
                     "  <Item name=\"EMPTY\" sample=\"2\"/><Item name=\"ALL\"/>\n"
                     "  <Item name=\"OFFSET\" sample=\"1\" role=\"offset\">-0.1</Item>\n</GDALMetadata>\n");
    if (kind->no_data)
        TIFFSetField(tiff, NO_DATA, kind->no_data);
}

static struct bytes make(const struct kind *kind)
{
    TIFF *tiff = TIFFOpen("test_raster.tif", kind->mode ? kind->mode : "wl");
    const int step = kind->separate ? 1 : kind->samples, bytes = kind->type.bits / 8;
    CU_ASSERT_PTR_NOT_NULL_FATAL(tiff);
    set_tags(tiff, kind);
    const tmsize_t size = kind->tiled ? TIFFTileSize(tiff) : TIFFStripSize(tiff);
    uint8_t *unit = malloc((size_t)size);
    const int wide = kind->tiled ? tile_of(kind) : WIDTH, high = kind->tiled ? tile_of(kind) : ROWS;
    for (int plane = 0; plane < (kind->separate ? kind->samples : 1); plane++)
        for (int top = 0; top < HEIGHT; top += high)
            for (int left = 0; left < WIDTH; left += wide) {
                memset(unit, 0, (size_t)size);
                const bool nothing = kind->sparse && (left / wide + top / high) % 2 == 0;
                if (nothing && kind->sparse == LEFT_OUT)
                    continue;
                for (int i = 0; i < wide * high * step; i++) {
                    const int x = left + i / step % wide, y = top + i / step / wide;
                    const double nothings = kind->no_data ? atof(kind->no_data) : 0;
                    const double value = nothing                   ? nothings
                                         : x < WIDTH && y < HEIGHT ? value_at(kind, kind->separate ? plane : i % step, x, y)
                                                                   : 0;
                    if (isnan(value) && kind->type.bits == 64)
                        ((double *)(void *)unit)[i] = NAN;
                    else if (isnan(value) && kind->type.bits == 32)
                        ((float *)(void *)unit)[i] = NAN;
                    else if (isnan(value))
                        ((uint16_t *)(void *)unit)[i] = nothing ? 0x7e00 : 0x7e01;
                    else
                        samples_store(kind->type, unit + i * bytes, value, NAN);
                }
                const tmsize_t rows = kind->tiled ? size : size / ROWS * (HEIGHT - top < ROWS ? HEIGHT - top : ROWS);
                const uint32_t x = (uint32_t)left, y = (uint32_t)top;
                if (kind->tiled)
                    CU_ASSERT_EQUAL(TIFFWriteEncodedTile(tiff, TIFFComputeTile(tiff, x, y, 0, (uint16_t)plane), unit, rows), rows)
                else
                    CU_ASSERT_EQUAL(TIFFWriteEncodedStrip(tiff, TIFFComputeStrip(tiff, y, (uint16_t)plane), unit, rows), rows)
            }
    free(unit);
    TIFFClose(tiff);
    return read_and_remove("test_raster.tif");
}

// All samples of a file, plane after plane, malloc'ed; what its page is like.
static uint8_t *samples_of(const struct bytes *file, int *samples, int *bits)
{
    uint16_t count = 1, depth = 1;
    const char *path = "test_raster.tmp";
    FILE *stream = fopen(path, "wb");
    CU_ASSERT_FATAL(stream && fwrite(file->data, 1, file->size, stream) == file->size && fclose(stream) == 0);
    TIFF *tiff = TIFFOpen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(tiff);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &count);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &depth);
    *samples = count;
    *bits = depth;
    const size_t bytes = depth / 8u, step = (size_t)count * bytes;
    uint16_t planar;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
    const int planes = planar == PLANARCONFIG_SEPARATE ? count : 1, each = count / planes;
    uint8_t *all = malloc(WIDTH * HEIGHT * step), *unit = malloc((size_t)(TIFFIsTiled(tiff) ? TIFFTileSize(tiff) : TIFFStripSize(tiff)));
    uint32_t wide = WIDTH, high = ROWS;
    if (TIFFIsTiled(tiff))
        TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &wide), TIFFGetField(tiff, TIFFTAG_TILELENGTH, &high);
    else
        TIFFGetField(tiff, TIFFTAG_ROWSPERSTRIP, &high);
    for (int p = 0; p < planes; p++)
        for (uint32_t top = 0; top < HEIGHT; top += high)
            for (uint32_t left = 0; left < WIDTH; left += wide) {
                const tmsize_t got = TIFFIsTiled(tiff) ? TIFFReadTile(tiff, unit, left, top, 0, (uint16_t)p)
                                                       : TIFFReadEncodedStrip(tiff, TIFFComputeStrip(tiff, top, (uint16_t)p), unit, -1);
                CU_ASSERT(got > 0);
                for (uint32_t y = top; y < top + high && y < HEIGHT; y++)
                    for (uint32_t x = left; x < left + wide && x < WIDTH; x++)
                        for (int s = 0; s < each; s++)
                            memcpy(all + ((size_t)(p * each + s) * WIDTH * HEIGHT + y * WIDTH + x) * bytes,
                                   unit + (((y - top) * wide + x - left) * (uint32_t)each + (uint32_t)s) * bytes, bytes);
            }
    free(unit);
    TIFFClose(tiff);
    unlink(path);
    return all;
}

// How often samples of a band differ; only where there is data, or where there is none.
static int differing(const struct kind *kind, const uint8_t *a, int band_a, const uint8_t *b, int band_b, bool data)
{
    const size_t bytes = (size_t)kind->type.bits / 8, plane = WIDTH * HEIGHT * bytes;
    int count = 0;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            count += is_hole(kind, x, y) != data && memcmp(a + (size_t)band_a * plane + (size_t)(y * WIDTH + x) * bytes,
                                                           b + (size_t)band_b * plane + (size_t)(y * WIDTH + x) * bytes, bytes) != 0;
    return count;
}

static struct bytes dreamed(const struct bytes *file, const struct image_limits *limits, float amount, struct image *image)
{
    UNIT_OK(codec_decode(file->data, file->size, limits, image));
    if (image->raster.keeps_file) {
        image->raster.file = malloc(file->size);
        image->raster.file_size = file->size;
        memcpy(image->raster.file, file->data, file->size);
    }
    for (int i = 0; i < 3 * WIDTH * HEIGHT; i++)
        image->rgb[i] += amount * (float)(i % 3 + 1);
    return encoded(image, IMAGE_FORMAT_TIFF);
}

// The values of a band against what they should be, in parts of the range.
static double worst_of(const struct kind *kind, const struct image *image, int c, int band)
{
    double low, high, worst = 0;
    range_of(kind, &low, &high);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            const double seen = image->rgb[(c * HEIGHT + y) * WIDTH + x];
            const double unit = (value_at(kind, band, x, y) - image->raster.low) / (image->raster.high - image->raster.low) * 2 - 1;
            const double value = fmax(-1, fmin(1, unit));
            worst = fmax(worst, is_hole(kind, x, y) ? fabs(seen) : fabs(seen - value));
        }
    return worst;
}

static void check(const struct kind *kind)
{
    struct bytes file = make(kind);
    struct image image;
    int samples, bits, count, depth;
    uint8_t *before = samples_of(&file, &samples, &bits);
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
    const int colours = kind->photometric == PHOTOMETRIC_RGB || kind->samples >= 3 ? 3 : 1;
    const double step = kind->type.kind == SAMPLE_FLOAT ? (kind->type.bits == 16 ? 2e-3 : 1e-6) : 2.1 / (ldexp(1, kind->type.bits) - 1);
    for (int c = 0; c < 3; c++) {
        const double worst = worst_of(kind, &image, c, colours == 3 ? c : 0);
        if (worst >= fmax(step, 1e-6))
            printf("\nkind %d, %d bits, %d samples, separate %d, tiled %d: off by %g", kind->type.kind, kind->type.bits, kind->samples,
                   kind->separate, kind->tiled, worst);
        CU_ASSERT(worst < fmax(step, 1e-6));
    }
    image_destroy(&image);
    for (int change = 0; change < 2; change++) {
        struct bytes out = dreamed(&file, &roomy, change ? 0.01f : 0, &image);
        uint8_t *after = samples_of(&out, &count, &depth);
        CU_ASSERT_EQUAL_FATAL(count, samples + (colours == 3 ? 0 : 2));
        CU_ASSERT_EQUAL_FATAL(depth, bits);
        for (int b = 0; b < count; b++) {
            const int origin = colours == 3 ? b : b < 3 ? 0 : b - 2;
            CU_ASSERT_EQUAL(differing(kind, after, b, before, origin, false), 0);
            CU_ASSERT_EQUAL(differing(kind, after, b, before, origin, true) > WIDTH * HEIGHT / 2, change && b < 3);
            CU_ASSERT(change || differing(kind, after, b, before, origin, true) == 0);
        }
        free(after);
        free(out.data);
        image_destroy(&image);
    }
    free(before);
    free(file.data);
}

static void every_type(void)
{
    static const struct sample_type types[] = {{SAMPLE_UINT, 8},   {SAMPLE_UINT, 16},  {SAMPLE_UINT, 32},
                                               {SAMPLE_INT, 8},    {SAMPLE_INT, 16},   {SAMPLE_INT, 32},
                                               {SAMPLE_FLOAT, 16}, {SAMPLE_FLOAT, 32}, {SAMPLE_FLOAT, 64}};
    static const int counts[] = {1, 2, 3, 5, 13};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
        for (size_t n = 0; n < sizeof counts / sizeof counts[0]; n++)
            for (int layout = 0; layout < 8; layout++) {
                if (unit_skips(t + n + (size_t)layout))
                    continue;
                check(&(struct kind){.type = types[t],
                                     .photometric = counts[n] >= 3 && layout & 1 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK,
                                     .samples = counts[n],
                                     .separate = layout & 2,
                                     .tiled = layout & 4,
                                     .mode = layout & 1 ? "wb" : "wl8",
                                     .no_data = types[t].kind == SAMPLE_FLOAT  ? NULL
                                                : types[t].kind == SAMPLE_UINT ? "0"
                                                : types[t].bits == 8           ? "-128"
                                                                               : "-32768", // which is no value
                                     .holes = 7});
            }
}

// Every layout that a file may have is what the dream's file has, too.
static void its_tags_stay(void)
{
    for (int big = 0; big < 2; big++) {
        const struct kind kind = {.type = {SAMPLE_UINT, 16},
                                  .photometric = PHOTOMETRIC_MINISBLACK,
                                  .samples = 8,
                                  .no_data = "0",
                                  .holes = 5,
                                  .tiled = true,
                                  .mode = big ? "wb8" : "wl"};
        struct bytes file = make(&kind);
        struct image image;
        struct bytes out = dreamed(&file, &roomy, 0.02f, &image);
        uint32_t tile;
        uint16_t count;
        float density;
        const char *text;
        void *values;
        FILE *stream = fopen("test_raster.tmp", "wb");
        CU_ASSERT_FATAL(stream && fwrite(out.data, 1, out.size, stream) == out.size && fclose(stream) == 0);
        TIFF *tiff = TIFFOpen("test_raster.tmp", "r");
        CU_ASSERT_PTR_NOT_NULL_FATAL(tiff);
        CU_ASSERT(TIFFGetField(tiff, GEO_SCALE, &count, &values) && count == 3 && memcmp(values, scale, sizeof scale) == 0);
        CU_ASSERT(TIFFGetField(tiff, GEO_POINTS, &count, &values) && count == 6 && memcmp(values, points, sizeof points) == 0);
        CU_ASSERT(TIFFGetField(tiff, GEO_KEYS, &count, &values) && count == 8 && memcmp(values, keys, sizeof keys) == 0);
        CU_ASSERT(TIFFGetField(tiff, NO_DATA, &count, &text) && count == 2 && strcmp(text, "0") == 0);
        CU_ASSERT(TIFFGetField(tiff, TIFFTAG_IMAGEDESCRIPTION, &text) && strcmp(text, caption) == 0);
        CU_ASSERT(TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &density) && density == 300);
        CU_ASSERT(TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile) && tile == TILE);
        CU_ASSERT(TIFFGetField(tiff, TIFFTAG_COMPRESSION, &count) && count == COMPRESSION_LZW);
        TIFFClose(tiff);
        unlink("test_raster.tmp");
        CU_ASSERT_STRING_EQUAL(image.notice, "8 bands: 1, 2 and 3 are red, green and blue (input.bands), others stay as they are; "
                                             "20% of the samples are no data and stay so");
        image_destroy(&image);
        free(file.data);
        free(out.data);
    }
}

// Moves the last third of the strips or tiles of a little-endian file beyond its end.
static struct bytes without_its_end(const struct bytes *file)
{
    struct bytes out = {.data = malloc(file->size), .size = file->size};
    uint8_t *bytes = memcpy(out.data, file->data, file->size);
    const size_t at = (size_t)codec_number(bytes + 4, 4, false);
    for (size_t i = 0; i < codec_number(bytes + at, 2, false); i++) {
        const uint8_t *entry = bytes + at + 2 + 12 * i;
        const uint64_t tag = codec_number(entry, 2, false), count = codec_number(entry + 4, 4, false);
        for (uint64_t k = count - count / 3; k < count && (tag == TIFFTAG_STRIPOFFSETS || tag == TIFFTAG_TILEOFFSETS); k++)
            memcpy(bytes + codec_number(entry + 8, 4, false) + 4 * k, "\xff\xff\xff\x7f", 4);
    }
    return out;
}

static void same_dreams(const struct bytes *file, const struct bytes *other, const struct image_limits *limits)
{
    for (int change = 0; change < 2; change++) {
        struct image image, other_image;
        int samples, bits;
        struct bytes out = dreamed(file, limits, change ? 0.01f : 0, &image),
                     other_out = dreamed(other, limits, change ? 0.01f : 0, &other_image);
        uint8_t *is = samples_of(&out, &samples, &bits), *should = samples_of(&other_out, &samples, &bits);
        CU_ASSERT_STRING_EQUAL(image.notice, other_image.notice);
        CU_ASSERT_EQUAL(memcmp(image.rgb, other_image.rgb, 3 * sizeof(float) * WIDTH * HEIGHT), 0);
        CU_ASSERT_EQUAL(memcmp(is, should, (size_t)(WIDTH * HEIGHT * samples * bits / 8)), 0);
        image_destroy(&image);
        image_destroy(&other_image);
        free(is);
        free(should);
        free(out.data);
        free(other_out.data);
    }
}

// What a sparse file leaves out is as if it were there, full of no data, or of 0.
static void sparse_files(void)
{
    static const char *const no_data[] = {NULL, "0", "7", "-9999", "nan"};
    static const struct sample_type types[] = {
        {SAMPLE_UINT, 8}, {SAMPLE_UINT, 16}, {SAMPLE_INT, 16}, {SAMPLE_FLOAT, 16}, {SAMPLE_FLOAT, 32}};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
        for (size_t n = 0; n < sizeof no_data / sizeof no_data[0]; n++)
            for (int layout = 0; layout < 16; layout++) {
                if (unit_skips(t + n + (size_t)layout) || (types[t].kind == SAMPLE_UINT && n > 2) || (types[t].kind == SAMPLE_INT && n > 3))
                    continue;
                struct kind kind = {.type = types[t],
                                    .photometric = layout & 1 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK,
                                    .samples = layout & 1 ? 3 : 5,
                                    .separate = layout & 2,
                                    .tiled = layout & 4,
                                    .compression = layout & 8 ? COMPRESSION_ADOBE_DEFLATE : COMPRESSION_NONE,
                                    .mode = n == 2 ? "wl8" : "wl",
                                    .no_data = no_data[n],
                                    .low = types[t].kind == SAMPLE_FLOAT ? 0.1 : 0,
                                    .high = types[t].kind == SAMPLE_FLOAT ? 0.9 : 0,
                                    .sparse = LEFT_OUT};
                struct bytes file = make(&kind);
                kind.sparse = FULL_OF_NOTHING;
                struct bytes full = make(&kind);
                same_dreams(&file, &full, &roomy);
                free(file.data);
                free(full.data);
            }
}

// Those of large pictures, of which this one is a part.
static void tiles_larger_than_the_picture(void)
{
    struct kind kind = {
        .type = {SAMPLE_UINT, 8}, .photometric = PHOTOMETRIC_MINISBLACK, .samples = 4, .tiled = true, .mode = "wl", .tile = 1040};
    struct bytes large = make(&kind);
    kind.tile = 0;
    struct bytes usual = make(&kind);
    same_dreams(&large, &usual, &roomy);
    free(large.data);
    free(usual.data);
}

// Which libtiff reads, but does not write.
static void tiles_of_an_odd_size(void)
{
    const struct kind kind = {
        .type = {SAMPLE_UINT, 8}, .photometric = PHOTOMETRIC_MINISBLACK, .samples = 4, .tiled = true, .mode = "wl", .tile = 1040};
    struct bytes file = make(&kind);
    uint8_t *bytes = file.data;
    const size_t at = (size_t)codec_number(bytes + 4, 4, false);
    for (size_t i = 0; i < codec_number(bytes + at, 2, false); i++) {
        uint8_t *entry = bytes + at + 2 + 12 * i;
        const uint64_t tag = codec_number(entry, 2, false);
        if (tag == TIFFTAG_TILEWIDTH || tag == TIFFTAG_TILELENGTH)
            entry[8] = 1000 & 255, entry[9] = 1000 >> 8;
    }
    struct image image;
    int samples, bits;
    struct bytes out = dreamed(&file, &roomy, 0.01f, &image);
    CU_ASSERT_STRING_EQUAL(
        image.notice,
        "4 bands: 1, 2 and 3 are red, green and blue (input.bands), others do not stay: its tiles are no multiple of 16 pixels, "
        "as TIFF wants them");
    free(samples_of(&out, &samples, &bits));
    CU_ASSERT_EQUAL(samples, 3);
    image_destroy(&image);
    free(file.data);
    free(out.data);
}

// Strips that are cut off: the dream is on grey there, or the value for no data stays; other bands have that, or 0, and are as they were
// above.
static void what_is_cut_off(void)
{
    struct image_limits accepting = roomy;
    accepting.choice.accepts_damage = true;
    for (int layout = 0; layout < 16; layout++) {
        const struct kind kind = {.type = {SAMPLE_INT, 16},
                                  .photometric = PHOTOMETRIC_MINISBLACK,
                                  .samples = 5,
                                  .separate = layout & 1,
                                  .tiled = layout & 2,
                                  .no_data = layout & 4 ? "-7" : NULL,
                                  .mode = "wl",
                                  .compression = layout & 8 ? COMPRESSION_NONE : COMPRESSION_LZW};
        struct bytes file = make(&kind);
        struct image image;
        int samples, bits;
        uint8_t *before = samples_of(&file, &samples, &bits);
        struct bytes cut = without_its_end(&file);
        expect_refused(&cut, &roomy, STATUS_FORMAT, "not a valid TIFF: the file ends early");
        struct bytes out = dreamed(&cut, &accepting, 0, &image);
        CU_ASSERT_PTR_NOT_NULL(strstr(image.notice, "cannot be read"));
        CU_ASSERT_EQUAL(strstr(image.notice, "no data and stay so") != NULL, kind.no_data && !kind.separate);
        int16_t *is = (int16_t *)(void *)samples_of(&out, &samples, &bits);
        const int16_t *was = (const int16_t *)(const void *)before;
        int kept = 0, lost = 0, wrong = 0;
        for (int i = 0; i < 5 * WIDTH * HEIGHT; i++) {
            kept += is[i] == was[i];
            lost += is[i] != was[i] && is[i] == (kind.no_data ? -7 : 0);
            wrong += i >= 3 * WIDTH * HEIGHT && is[i] != was[i] && is[i] != (kind.no_data ? -7 : 0);
        }
        CU_ASSERT(kept > WIDTH * HEIGHT && lost > 700);
        CU_ASSERT_EQUAL(wrong, 0);
        image_destroy(&image);
        free(is);
        free(before);
        free(out.data);
        free(cut.data);
        free(file.data);
    }
}

static struct image_limits chosen(const char *bands, const char *range)
{
    struct image_limits limits = roomy;
    UNIT_OK(image_choice_parse(&limits.choice, bands, range));
    return limits;
}

static void bands_are_chosen(void)
{
    const struct image_limits limits = chosen("5,4,2", "auto"), beyond = chosen("5,4,9", "auto");
    for (int separate = 0; separate < 2; separate++) {
        const struct kind kind = {.type = {SAMPLE_UINT, 8}, .photometric = PHOTOMETRIC_RGB, .samples = 6, .separate = separate};
        static const int bands[3] = {4, 3, 1};
        struct bytes file = make(&kind);
        struct image image;
        int samples, bits;
        struct bytes out = dreamed(&file, &limits, 0.1f, &image);
        uint8_t *before = samples_of(&file, &samples, &bits), *after = samples_of(&out, &samples, &bits);
        for (int b = 0; b < 6; b++)
            CU_ASSERT_EQUAL(differing(&kind, after, b, before, b, true) > 0, b == bands[0] || b == bands[1] || b == bands[2]);
        image_destroy(&image);
        UNIT_OK(codec_decode(file.data, file.size, &limits, &image));
        for (int c = 0; c < 3; c++)
            CU_ASSERT(worst_of(&kind, &image, c, bands[c]) < 0.01);
        expect_refused(&file, &beyond, STATUS_FORMAT, "input.bands names band 9, and there are 6");
        image_destroy(&image);
        free(before);
        free(after);
        free(out.data);
        free(file.data);
    }
}

static void ranges(void)
{
    static const struct {
        const char *range;
        double low, high;
    } cases[] = {
        {"auto", -380, 1880}, {"p2,p98", -380, 1880}, {"p0,p100", -500 + 125, 2000 - 125}, {"0,1000", 0, 1000}, {"-500,2000", -500, 2000}};
    const struct kind kind = {
        .type = {SAMPLE_FLOAT, 32}, .photometric = PHOTOMETRIC_MINISBLACK, .samples = 1, .low = -500, .high = 2000, .holes = 3};
    struct bytes file = make(&kind);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct image_limits limits = chosen("auto", cases[i].range);
        struct image image;
        UNIT_OK(codec_decode(file.data, file.size, &limits, &image));
        const double tolerance = i < 3 ? 60 : 0; // the pattern is noise
        CU_ASSERT(fabs(image.raster.low - cases[i].low) <= tolerance && fabs(image.raster.high - cases[i].high) <= tolerance);
        CU_ASSERT_PTR_NOT_NULL(strstr(image.notice, "33% of the samples are no data and stay so"));
        CU_ASSERT_EQUAL(strstr(image.notice, "(input.range)") != NULL, i < 3);
        CU_ASSERT_EQUAL(strstr(image.notice, "are clipped") != NULL, i == 3);
        image_destroy(&image);
    }
    free(file.data);
}

// `auto` of whole numbers: percentiles of signed ones, and of unsigned ones that end at an eighth of their type.
static void automatic_ranges(void)
{
    static const struct {
        struct sample_type type;
        double low, high;
        const char *no_data;
        bool percentiles;
    } cases[] = {
        {{SAMPLE_UINT, 16}, 0, 4095, NULL, true},        {{SAMPLE_UINT, 16}, 0, 8500, NULL, true},
        {{SAMPLE_UINT, 16}, 0, 8700, NULL, false},       {{SAMPLE_UINT, 16}, 300, 4000, "65535", true},
        {{SAMPLE_UINT, 16}, 0, 65535, NULL, false},      {{SAMPLE_INT, 16}, -200, 2800, "-9999", true},
        {{SAMPLE_INT, 16}, -32768, 32767, NULL, true},   {{SAMPLE_INT, 8}, -100, 100, NULL, true},
        {{SAMPLE_UINT, 8}, 0, 20, NULL, false},          {{SAMPLE_UINT, 32}, 0, 500000, NULL, true},
        {{SAMPLE_UINT, 32}, 0, 4294967295, NULL, false}, {{SAMPLE_UINT, 16}, 77, 77, NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int colours = 1; colours <= 3; colours += 2) {
            const struct kind kind = {.type = cases[i].type,
                                      .photometric = colours == 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK,
                                      .samples = colours,
                                      .low = cases[i].low,
                                      .high = cases[i].high,
                                      .no_data = cases[i].no_data,
                                      .holes = cases[i].no_data ? 9 : 0};
            struct bytes file = make(&kind);
            struct image image;
            double low, high;
            samples_range(kind.type, &low, &high);
            UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
            CU_ASSERT_EQUAL(strstr(image.notice, "the percentiles 2 and 98, are black and white (input.range)") != NULL,
                            cases[i].percentiles);
            CU_ASSERT_EQUAL(image.raster.low == low && image.raster.high == high, !cases[i].percentiles);
            if (cases[i].percentiles) { // the pattern is noise that has 0.05 to 0.95 of the range
                const double wide = cases[i].high - cases[i].low;
                CU_ASSERT(fabs(image.raster.low - (cases[i].low + 0.07 * wide)) < 0.05 * wide);
                CU_ASSERT(fabs(image.raster.high - (cases[i].high - 0.07 * wide)) < 0.05 * wide);
            }
            for (int k = 0; k < WIDTH * HEIGHT && !cases[i].percentiles && kind.type.bits == 16 && !kind.no_data; k++) {
                uint16_t sample;
                samples_store(kind.type, &sample, value_at(&kind, 0, k % WIDTH, k / WIDTH), NAN);
                CU_ASSERT_EQUAL(image.rgb[k], sample / 32767.5f - 1); // to the bit as always
            }
            image_destroy(&image);
            free(file.data);
        }
}

// Nothing of what a type can hold is outside its range, though floats round 2147483647.
static void extremes_of_a_type(void)
{
    static const struct sample_type types[] = {{SAMPLE_UINT, 32}, {SAMPLE_INT, 32}, {SAMPLE_INT, 16}};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        const struct kind kind = {.type = types[t], .photometric = PHOTOMETRIC_RGB, .samples = 3, .compression = COMPRESSION_NONE};
        const struct image_limits by_type = chosen("auto", "type");
        double range[2];
        samples_range(types[t], &range[0], &range[1]);
        struct bytes file = make(&kind);
        struct image image;
        uint8_t sample[4];
        const size_t bytes = (size_t)types[t].bits / 8;
        samples_store(types[t], sample, value_at(&kind, 0, 0, 0), NAN);
        uint8_t *at = memmem(file.data, file.size, sample, bytes); // the first pixel's red
        CU_ASSERT_PTR_NOT_NULL_FATAL(at);
        for (int k = 0; k < 2; k++)
            samples_store(types[t], at + (size_t)k * bytes, range[k], NAN);
        UNIT_OK(codec_decode(file.data, file.size, &by_type, &image));
        CU_ASSERT_STRING_EQUAL(image.notice, "");
        image_destroy(&image);
        free(file.data);
    }
}

// Against sorting.
static void percentiles_are_exact(void)
{
    enum { COUNT = 5001 };
    float *values = malloc((COUNT + 100) * sizeof *values);
    const double percents[2] = {2, 98};
    double found[2];
    for (int i = 0; i < COUNT; i++)
        values[(i * 37) % COUNT] = (float)(i - 2500) * (i % 2 ? 1e-30f : 1e30f) + (float)i;
    for (int i = 0; i < 100; i++)
        values[COUNT + i] = NAN;
    CU_ASSERT(samples_percentiles(values, COUNT + 100, percents, found));
    for (int k = 0; k < 2; k++) {
        int below = 0, equal = 0;
        for (int i = 0; i < COUNT; i++) {
            below += values[i] < found[k];
            equal += values[i] == found[k];
        }
        CU_ASSERT(equal > 0 && below <= (int)(percents[k] * 50) && below + equal > (int)(percents[k] * 50));
    }
    for (int i = 0; i < COUNT; i++)
        values[i] = NAN;
    CU_ASSERT_FALSE(samples_percentiles(values, COUNT, percents, found));
    free(values);
}

static void halves(void)
{
    static const struct sample_type half = {SAMPLE_FLOAT, 16};
    for (unsigned i = 0; i < 65536; i++) {
        uint16_t from = (uint16_t)i, to;
        float value;
        samples_load(half, &from, 1, 1, NAN, &value);
        if (isnan(value)) {
            CU_ASSERT_EQUAL(i >> 10 & 31, 31);
            continue;
        }
        samples_store(half, &to, value, NAN);
        CU_ASSERT(to == from || (value == 0 && (from & 0x7fff) == 0));
    }
}

static void what_is_refused(void)
{
    struct kind kind = {.type = {SAMPLE_FLOAT, 64}, .photometric = PHOTOMETRIC_MINISBLACK, .samples = 3, .holes = 1};
    struct image_choice choice;
    struct bytes file = make(&kind);
    expect_refused(&file, &roomy, STATUS_FORMAT, "it has no data: all samples of it are NaN, infinite or GDAL_NODATA");
    free(file.data);
    static const char *const ranges[] = {"5,5", "9,1",   "p98,p2", "p-1,p5", "p0,p101", "1", "1,",
                                         "a,b", "nan,1", "0,inf",  "0,1,2",  "p2,98",   ""};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        CU_ASSERT(image_choice_parse(&choice, "auto", ranges[i]) == STATUS_USAGE && strstr(status_message(), "input.range"));
    static const char *const bands[] = {"1", "1,2", "1,2,2", "0,1,2", "1,2,3,4", "1,2,65536", "-1,2,3", "a,b,c", "1,2,2147483648", ""};
    for (size_t i = 0; i < sizeof bands / sizeof bands[0]; i++)
        CU_ASSERT(image_choice_parse(&choice, bands[i], "auto") == STATUS_USAGE && strstr(status_message(), "input.bands"));
}

// The number of bands in the header of a little-endian classic TIFF says more than there is.
static void lying_bands(void)
{
    static const uint32_t counts[] = {2, 200, 65535, 65536, 0x80000000, 0xffffffff};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        const struct kind kind = {.type = {SAMPLE_UINT, 16}, .photometric = PHOTOMETRIC_RGB, .samples = 3};
        struct bytes file = make(&kind);
        static const uint8_t entry[] = {TIFFTAG_SAMPLESPERPIXEL & 255, TIFFTAG_SAMPLESPERPIXEL >> 8, TIFF_SHORT, 0, 1, 0, 0, 0};
        uint8_t *at = memmem(file.data, file.size, entry, sizeof entry);
        CU_ASSERT_PTR_NOT_NULL_FATAL(at);
        at[2] = TIFF_LONG;
        memcpy(at + 8, &counts[i], 4);
        expect_refused(&file, &roomy, STATUS_FORMAT, i == 0 ? "a TIFF of RGB has no band 3: there are 2" : "");
        free(file.data);
    }
}

// A sparse file of 8 bits a sample: of so many pixels and bands, and no strip or tile of it is there.
static struct bytes hollow(int width, int height, int bands, int planar, int tile)
{
    TIFF *tiff = TIFFOpen("test_raster.tif", "w");
    CU_ASSERT_FATAL(tiff && TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, width) && TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, height) &&
                    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8) && TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, bands) &&
                    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK) && TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, planar) &&
                    TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE));
    if (tile)
        CU_ASSERT_FATAL(TIFFSetField(tiff, TIFFTAG_TILEWIDTH, tile) && TIFFSetField(tiff, TIFFTAG_TILELENGTH, tile))
    else
        CU_ASSERT_FATAL(TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, height));
    CU_ASSERT_FATAL(TIFFWriteCheck(tiff, tile > 0, "hollow") == 1 && TIFFWriteDirectory(tiff) == 1);
    TIFFClose(tiff);
    return read_and_remove("test_raster.tif");
}

// What all bands take is bounded, and what a strip or tile does in a small picture.
static void many_bands_are_bounded(void)
{
    static const struct {
        int width, height, bands, planar, tile;
        const char *words; // NULL: it is read
    } cases[] = {
        {40, 50, 65535, PLANARCONFIG_CONTIG, 0, NULL},
        {5000, 1, 65535, PLANARCONFIG_CONTIG, 0,
         "strips of 327675000 bytes, of 65535 bands; the limit is 268435456 in a picture of 5000 x 1 pixels"},
        {50, 60, 2000, PLANARCONFIG_CONTIG, 512, "tiles of 524288000 bytes, of 2000 bands; the limit is 268435456"},
        {2000, 200, 65535, PLANARCONFIG_SEPARATE, 0,
         "2000 x 200 pixels of 65535 bands are 26214000000 bytes; the limit is 12800000000, 32 for each of input.max_pixels"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct image_limits limits = {.side = 65535, .pixels = 400000000};
        struct bytes file = hollow(cases[i].width, cases[i].height, cases[i].bands, cases[i].planar, cases[i].tile);
        struct image image = {0};
        if (cases[i].words)
            expect_refused(&file, &limits, STATUS_LIMIT, cases[i].words);
        else
            UNIT_OK(codec_decode(file.data, file.size, &limits, &image));
        image_destroy(&image);
        free(file.data);
    }
}

static void it_lies_as_it_lay(void)
{
    for (int o = 1; o <= 8; o++) {
        const struct kind kind = {.type = {SAMPLE_INT, 16}, .photometric = PHOTOMETRIC_MINISBLACK, .samples = 4, .orientation = o};
        struct bytes file = make(&kind);
        struct image image, again;
        int samples, bits;
        struct bytes out = dreamed(&file, &roomy, 0, &image);
        CU_ASSERT_EQUAL(image.width, o < 5 ? WIDTH : HEIGHT);
        uint8_t *before = samples_of(&file, &samples, &bits), *after = samples_of(&out, &samples, &bits);
        CU_ASSERT_EQUAL(memcmp(before, after, WIDTH * HEIGHT * 4 * 2), 0);
        free(after);
        free(out.data);
        image.rgb[5 * image.width + 7] = -0.5f;
        out = encoded(&image, IMAGE_FORMAT_TIFF);
        UNIT_OK(codec_decode(out.data, out.size, &roomy, &again));
        CU_ASSERT(fabsf(again.rgb[5 * image.width + 7] + 0.5f) < 1e-4f);
        image_destroy(&image);
        image_destroy(&again);
        free(before);
        free(out.data);
        free(file.data);
    }
}

// What is said of samples that stay, where they do not, and where there is no dream.
static void what_stays_is_said(void)
{
    static const struct {
        const char *alone, *notice;
    } cases[] = {
        {NULL,
         "5 bands: 1, 2 and 3 are red, green and blue (input.bands), others stay as they are; 14% of the samples are no data and stay so"},
        {"resized", "5 bands: 1, 2 and 3 are red, green and blue (input.bands), others do not stay: resized; "
                    "14% of the samples are no data and grey in the dream"},
        {"", "5 bands: 1, 2 and 3 are red, green and blue (input.bands); 14% of the samples are no data and grey"},
    };
    const struct kind kind = {.type = {SAMPLE_UINT, 16}, .photometric = PHOTOMETRIC_RGB, .samples = 5, .holes = 7, .no_data = "0"};
    struct bytes file = make(&kind);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct image_limits limits = roomy;
        struct image image;
        limits.choice.alone = cases[i].alone;
        UNIT_OK(codec_decode(file.data, file.size, &limits, &image));
        CU_ASSERT_STRING_EQUAL(image.notice, cases[i].notice);
        CU_ASSERT_EQUAL(image.raster.keeps_file, cases[i].alone == NULL);
        image_destroy(&image);
    }
    free(file.data);
}

// Where on the map a place of the picture is, counted from its corner, as GDAL has it.
static void place_on_map(TIFF *tiff, double x, double y, double on_map[2])
{
    uint16_t count, *geo_keys;
    double *numbers = NULL, *tie = NULL;
    CU_ASSERT_FATAL(TIFFGetField(tiff, GEO_KEYS, &count, &geo_keys));
    if (count == 12)
        x -= 0.5, y -= 0.5;
    if (TIFFGetField(tiff, GEO_MATRIX, &count, &numbers)) {
        for (int k = 0; k < 2; k++)
            on_map[k] = numbers[4 * k] * x + numbers[4 * k + 1] * y + numbers[4 * k + 3];
        return;
    }
    CU_ASSERT_FATAL(TIFFGetField(tiff, GEO_SCALE, &count, &numbers) && TIFFGetField(tiff, GEO_POINTS, &count, &tie) && count == 6);
    on_map[0] = tie[3] + (x - tie[0]) * numbers[0];
    on_map[1] = tie[4] - (y - tie[1]) * numbers[1];
}

static TIFF *opened(const struct bytes *file)
{
    FILE *stream = fopen("test_raster.tmp", "wb");
    CU_ASSERT_FATAL(stream && fwrite(file->data, 1, file->size, stream) == file->size && fclose(stream) == 0);
    TIFF *tiff = TIFFOpen("test_raster.tmp", "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(tiff);
    unlink("test_raster.tmp");
    return tiff;
}

// The corners of a picture stay where they are on the map, and what a smaller or larger one no longer has is not spoken of.
static void resized_on_the_map(void)
{
    for (int layout = 0; layout < 8; layout++) {
        const struct kind kind = {.type = {SAMPLE_UINT, 16},
                                  .photometric = PHOTOMETRIC_MINISBLACK,
                                  .samples = 5,
                                  .mode = layout & 4 ? "wb8" : "wl",
                                  .no_data = "0",
                                  .holes = 9,
                                  .points = layout & 1,
                                  .matrix = layout & 2};
        enum { WIDE = 161, HIGH = 30 };
        struct image_limits limits = roomy;
        struct bytes file = make(&kind);
        struct image image, other;
        limits.choice.alone = "resized";
        UNIT_OK(codec_decode(file.data, file.size, &limits, &image));
        UNIT_OK(image_create(&other, WIDE, HIGH));
        memset(other.rgb, 0, 3 * sizeof(float) * WIDE * HIGH);
        image_drop_file(&image);
        image_replace(&image, &other);
        codec_resized(&image, WIDTH, HEIGHT);
        struct bytes out = encoded(&image, IMAGE_FORMAT_TIFF);
        TIFF *before = opened(&file), *after = opened(&out);
        for (int corner = 0; corner < 4; corner++) {
            double was[2], is[2];
            place_on_map(before, corner & 1 ? WIDTH : 0, corner & 2 ? HEIGHT : 0, was);
            place_on_map(after, corner & 1 ? WIDE : 0, corner & 2 ? HIGH : 0, is);
            CU_ASSERT(fabs(was[0] - is[0]) < 1e-6 && fabs(was[1] - is[1]) < 1e-6);
        }
        uint16_t count;
        void *values;
        const char *text;
        CU_ASSERT(TIFFGetField(before, NO_DATA, &count, &text) && !TIFFGetField(after, NO_DATA, &count, &text));
        CU_ASSERT(!TIFFGetField(after, RPC, &count, &values));
        CU_ASSERT_FATAL(TIFFGetField(after, GDAL, &count, &text));
        CU_ASSERT(count == strlen(text) + 1 && strstr(text, ">S2A<") && strstr(text, "ALL") && !strstr(text, "sample") &&
                  strstr(text, "</GDALMetadata>"));
        TIFFClose(before);
        TIFFClose(after);
        image_destroy(&image);
        free(file.data);
        free(out.data);
    }
}

// Without its file a raster still has its own type and range.
static void without_its_file(void)
{
    static const struct sample_type types[] = {
        {SAMPLE_INT, 8}, {SAMPLE_INT, 16}, {SAMPLE_UINT, 32}, {SAMPLE_FLOAT, 16}, {SAMPLE_FLOAT, 64}};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        const struct kind kind = {.type = types[t], .photometric = PHOTOMETRIC_RGB, .samples = 3};
        struct bytes file = make(&kind);
        struct image image, again;
        UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
        image_drop_file(&image);
        free(file.data);
        file = encoded(&image, IMAGE_FORMAT_TIFF);
        UNIT_OK(codec_decode(file.data, file.size, &roomy, &again));
        CU_ASSERT(again.raster.type.kind == types[t].kind && again.raster.type.bits == types[t].bits);
        CU_ASSERT(difference(&image, &again) < (types[t].bits == 8 ? 0.01 : 0.1));
        image_destroy(&image);
        image_destroy(&again);
        free(file.data);
    }
}

// YCbCr and CIELAB of a smooth picture, made by their formulas.
static void colours_of_other_spaces(void)
{
    for (int lab = 0; lab < 2; lab++) {
        TIFF *tiff = TIFFOpen("test_raster.tif", "wl");
        uint8_t row[3 * WIDTH];
        float black_white[6] = {0, 255, 128, 255, 128, 255};
        TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, WIDTH);
        TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, HEIGHT);
        TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
        TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 3);
        TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, ROWS);
        TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, lab ? PHOTOMETRIC_CIELAB : PHOTOMETRIC_YCBCR);
        if (!lab) {
            TIFFSetField(tiff, TIFFTAG_YCBCRSUBSAMPLING, 1, 1);
            TIFFSetField(tiff, TIFFTAG_REFERENCEBLACKWHITE, black_white);
        }
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                const double r = 3 * x, g = 5 * y, b = 100;
                row[3 * x] = (uint8_t)lrint(lab ? 2 * x : 0.299 * r + 0.587 * g + 0.114 * b); // of L* 255 is 100
                row[3 * x + 1] = (uint8_t)lrint(lab ? 0 : 128 - 0.168736 * r - 0.331264 * g + 0.5 * b);
                row[3 * x + 2] = (uint8_t)lrint(lab ? 0 : 128 + 0.5 * r - 0.418688 * g - 0.081312 * b);
            }
            CU_ASSERT_EQUAL(TIFFWriteScanline(tiff, row, (uint32_t)y, 0), 1);
        }
        TIFFClose(tiff);
        struct bytes file = read_and_remove("test_raster.tif");
        struct image image;
        double worst = 0;
        UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
        CU_ASSERT_FALSE(image.raster.keeps_file);
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++)
                for (int c = 0; c < 3; c++) {
                    const double lightness = 2 * x / 2.55, light = lightness > 8 ? pow((lightness + 16) / 116, 3) : lightness / 903.3;
                    const double grey = light <= 0.0031308 ? light * 12.92 : 1.055 * pow(light, 1 / 2.4) - 0.055;
                    const double right = lab ? grey * 255 : c == 0 ? 3 * x : c == 1 ? 5 * y : 100;
                    worst = fmax(worst, fabs((image.rgb[(c * HEIGHT + y) * WIDTH + x] + 1) * 127.5 - right));
                }
        CU_ASSERT(worst < 2.5);
        image_destroy(&image);
        free(file.data);
    }
}

static const struct unit_test tests[] = {
    {"YCbCr and CIELAB", colours_of_other_spaces},
    {"every type of sample, grey and bands, strips and tiles", every_type},
    {"its tags stay", its_tags_stay},
    {"sparse files", sparse_files},
    {"tiles larger than the picture", tiles_larger_than_the_picture},
    {"tiles of an odd size", tiles_of_an_odd_size},
    {"what is cut off", what_is_cut_off},
    {"bands are chosen", bands_are_chosen},
    {"ranges", ranges},
    {"automatic ranges", automatic_ranges},
    {"extremes of a type", extremes_of_a_type},
    {"percentiles are exact", percentiles_are_exact},
    {"floats of 16 bits", halves},
    {"what is refused", what_is_refused},
    {"lying bands", lying_bands},
    {"many bands are bounded", many_bands_are_bounded},
    {"it lies as it lay", it_lies_as_it_lay},
    {"resized, on the map", resized_on_the_map},
    {"what stays is said", what_stays_is_said},
    {"without its file", without_its_file},
};
UNIT_MAIN("codec: rasters", tests)
