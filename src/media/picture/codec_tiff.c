// SPDX-License-Identifier: MIT
// TIFF in, by libtiff, from memory: the first page; grey, RGB or CMYK, with or without alpha, or palette, of integers or floats, as strips
// or tiles, in any compression that libtiff was built with.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "media/picture/codec.h"
#include "media/picture/codec_formats.h"
#include "media/picture/tiff_open.h"

enum {
    UNIT_PIXELS_MIN = 1 << 20,      // a tile may be larger than a small picture, but not without bound
    LIBTIFF_BYTES_SPARE = 64 << 20, // for libtiff's own tables
    BYTES_PER_PIXEL_MAX = 4 * 4,    // RGBA of floats
    OUTSIDE_PERCENT_MAX = 5,        // of float samples outside 0..1: more is another scale, not a few highlights
};

// The file in memory, and what libtiff said about it.
struct tiff_source {
    struct tiff_bytes file;
    char message[256];
    bool concealing; // a decoder that repairs broken data with no more than a warning is at work
    bool failed;
};

// How the page lies in the file. A unit is a strip or a tile.
struct page {
    TIFF *tiff;
    uint32_t width, height;
    uint16_t bits, samples, photometric, compression;
    bool tiled, separate; // separate: one plane after the other
    uint32_t unit_width, unit_height;
    int colours; // 1, 3, or 4 of CMYK; a further sample is alpha
    bool premultiplied;
    const uint16_t *palette[3]; // libtiff's
    int palette_shift;          // from entries to 8 bits
};

static void hear(void *user, bool warning, const char *format, va_list args)
{
    struct tiff_source *source = user;
    if (warning && !source->concealing)
        return; // about tags that are not used here
    vsnprintf(source->message, sizeof source->message, format, args);
    source->failed = true;
}

static bool is_grey(const struct page *page)
{
    return page->photometric == PHOTOMETRIC_MINISBLACK || page->photometric == PHOTOMETRIC_MINISWHITE;
}

// Only photographs have floats, and only of 32 bits.
static enum status check_bits(const struct page *page)
{
    const bool palette = page->photometric == PHOTOMETRIC_PALETTE, packed = page->bits == 1 || page->bits == 2 || page->bits == 4;
    uint16_t format;
    TIFFGetFieldDefaulted(page->tiff, TIFFTAG_SAMPLEFORMAT, &format);
    if (format == SAMPLEFORMAT_IEEEFP && page->bits == 32 && (is_grey(page) || page->photometric == PHOTOMETRIC_RGB))
        return STATUS_OK;
    if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID)
        return fail(STATUS_UNSUPPORTED,
                    "a TIFF with signed, complex, or %u-bit float samples; convert it to unsigned 8 or 16 bits, or to floats of 32 bits",
                    page->bits);
    if (page->bits != 8 && !(page->bits == 16 && !palette) && !(packed && page->samples == 1))
        return fail(STATUS_UNSUPPORTED, "a TIFF with %u bits a sample; convert it to 8 or 16", page->bits);
    return STATUS_OK;
}

static enum status check_kind(struct page *page)
{
    const bool palette = page->photometric == PHOTOMETRIC_PALETTE, inks = page->photometric == PHOTOMETRIC_SEPARATED;
    uint16_t ink_set;
    if (!palette && !inks && !is_grey(page) && page->photometric != PHOTOMETRIC_RGB)
        return fail(STATUS_UNSUPPORTED,
                    "a TIFF with photometric interpretation %u; only grey, RGB, CMYK and palette are supported, and YCbCr within JPEG",
                    page->photometric);
    TIFFGetFieldDefaulted(page->tiff, TIFFTAG_INKSET, &ink_set);
    if (inks && (ink_set != INKSET_CMYK || page->samples < COLOR_CMYK))
        return fail(STATUS_UNSUPPORTED, "a TIFF with inks other than CMYK, in %u samples a pixel; convert it to CMYK or RGB",
                    page->samples);
    page->colours = inks ? 4 : page->photometric == PHOTOMETRIC_RGB ? 3 : 1;
    if (page->samples != page->colours && (palette || page->samples != page->colours + 1))
        return fail(STATUS_UNSUPPORTED, "a TIFF with %u samples a pixel where %d colours are expected", page->samples, page->colours);
    return check_bits(page);
}

static enum status read_palette(struct page *page)
{
    uint16_t *map[3];
    if (!TIFFGetField(page->tiff, TIFFTAG_COLORMAP, &map[0], &map[1], &map[2]))
        return fail(STATUS_FORMAT, "a TIFF with palette, but the palette is missing");
    page->palette_shift = 0; // old writers stored 8 bits an entry, the specification says 16
    for (int c = 0; c < 3; c++) {
        page->palette[c] = map[c];
        for (int i = 0; i < 1 << page->bits; i++)
            if (map[c][i] > 255)
                page->palette_shift = 8;
    }
    return STATUS_OK;
}

static enum status read_geometry(struct page *page, const struct image_limits *limits)
{
    page->tiled = TIFFIsTiled(page->tiff);
    page->unit_width = page->width;
    page->unit_height = page->height;
    if (page->tiled) {
        if (!TIFFGetField(page->tiff, TIFFTAG_TILEWIDTH, &page->unit_width) ||
            !TIFFGetField(page->tiff, TIFFTAG_TILELENGTH, &page->unit_height))
            return fail(STATUS_FORMAT, "a tiled TIFF that does not say how large the tiles are");
    } else {
        uint32_t rows;
        TIFFGetFieldDefaulted(page->tiff, TIFFTAG_ROWSPERSTRIP, &rows);
        if (rows < page->unit_height)
            page->unit_height = rows;
    }
    if (page->unit_width == 0 || page->unit_height == 0)
        return fail(STATUS_FORMAT, "a TIFF with empty strips or tiles");
    uint64_t pixels = (uint64_t)page->unit_width * page->unit_height;
    if (pixels > limits->pixels && pixels > UNIT_PIXELS_MIN)
        return fail(STATUS_LIMIT, "tiles of %u x %u pixels; the limit is %llu pixels", page->unit_width, page->unit_height,
                    (unsigned long long)limits->pixels);
    return STATUS_OK;
}

static bool conceals(uint16_t compression)
{
    return compression == COMPRESSION_JPEG || compression == COMPRESSION_CCITTRLE || compression == COMPRESSION_CCITTRLEW ||
           compression == COMPRESSION_CCITTFAX3 || compression == COMPRESSION_CCITTFAX4;
}

static enum status read_page(struct page *page, const struct image_limits *limits)
{
    TIFF *tiff = page->tiff;
    uint16_t planar, extra_count, *extra;
    if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &page->width) || !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &page->height) ||
        !TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &page->photometric))
        return fail(STATUS_FORMAT, "a TIFF without width, height or photometric interpretation");
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &page->bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &page->samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &page->compression);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
    if (!TIFFIsCODECConfigured(page->compression))
        return fail(STATUS_UNSUPPORTED, "a TIFF with compression %u, which this libtiff does not have", page->compression);
    if (page->compression == COMPRESSION_JPEG && page->photometric == PHOTOMETRIC_YCBCR) {
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        page->photometric = PHOTOMETRIC_RGB;
    }
    TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &extra_count, &extra);
    page->premultiplied = extra_count > 0 && extra[0] == EXTRASAMPLE_ASSOCALPHA;
    page->separate = planar == PLANARCONFIG_SEPARATE && page->samples > 1;
    TRY(check_kind(page));
    TRY(read_geometry(page, limits));
    return page->photometric == PHOTOMETRIC_PALETTE ? read_palette(page) : STATUS_OK;
}

// `count` samples of `bits` bits each, most significant first, one a byte.
static void unpack(const uint8_t *packed, int bits, int count, uint8_t *out)
{
    for (int i = 0; i < count; i++) {
        int at = i * bits;
        out[i] = (uint8_t)(packed[at / 8] >> (8 - bits - at % 8) & ((1 << bits) - 1));
    }
}

// Where a sample of a pixel goes; the only colour of grey goes to the others, too.
static int channel_of(const struct page *page, int sample)
{
    if (sample == page->colours)
        return CODEC_ALPHA;
    return sample == 3 ? CODEC_BLACK : sample;
}

// Part of one row, `count` pixels from (x, y) on. scratch has room for 2 * count bytes.
static void put_row(const struct page *page, struct image *image, int plane, int x, int y, int count, const uint8_t *row, uint8_t *scratch)
{
    if (page->bits < 8) {
        unpack(row, page->bits, count, scratch);
        row = scratch;
        if (page->colours == 1 && !page->palette[0])
            for (int i = 0; i < count; i++)
                scratch[i] = (uint8_t)(scratch[i] * 255 / ((1 << page->bits) - 1));
    }
    if (page->palette[0]) {
        for (int c = 0; c < 3; c++) {
            for (int i = 0; i < count; i++)
                scratch[count + i] = (uint8_t)(page->palette[c][row[i]] >> page->palette_shift);
            codec_put(image, c, x, y, count, scratch + count, 1);
        }
        return;
    }
    int step = page->separate ? 1 : page->samples;
    for (int s = 0; s < step; s++) {
        int sample = page->separate ? plane : s;
        const uint8_t *samples = row + s * (page->bits / 8);
        codec_put(image, channel_of(page, sample), x, y, count, samples, step);
        for (int c = 1; page->colours == 1 && sample == 0 && c < 3; c++)
            codec_put(image, c, x, y, count, samples, step);
    }
}

static enum status broken(const struct tiff_source *source)
{
    return fail(STATUS_FORMAT, "not a valid TIFF: %s", source->message[0] ? source->message : "the data ends early");
}

// Floats that are none. Part of one row, as put_row() has it.
static enum status check_finite(const struct page *page, int plane, uint32_t x, uint32_t y, uint32_t count, const void *row)
{
    const uint32_t step = page->separate ? 1 : page->samples;
    const float *samples = row;
    for (uint32_t i = 0; i < count * step; i++)
        if (!isfinite(samples[i]))
            return fail(STATUS_FORMAT, "sample %u of pixel (%u, %u) is not a number", page->separate ? (uint32_t)plane : i % step,
                        x + i / step, y);
    return STATUS_OK;
}

static enum status broken_unit(const struct page *page, const struct tiff_source *source, uint32_t unit)
{
    const uint64_t at = TIFFGetStrileOffset(page->tiff, unit), bytes = TIFFGetStrileByteCount(page->tiff, unit);
    if (at > source->file.size || bytes > source->file.size - at)
        return fail(STATUS_FORMAT, "not a valid TIFF: the file ends early, within or before %s %u", page->tiled ? "tile" : "strip", unit);
    return broken(source);
}

// One strip or tile whose top left pixel is (x, y).
static enum status read_unit(const struct page *page, struct tiff_source *source, struct image *image, int plane, uint32_t x, uint32_t y,
                             uint8_t *buffer, tmsize_t buffer_size, uint8_t *scratch)
{
    uint32_t rows = page->height - y < page->unit_height ? page->height - y : page->unit_height;
    uint32_t columns = page->width - x < page->unit_width ? page->width - x : page->unit_width;
    tmsize_t row_bytes = page->tiled ? TIFFTileRowSize(page->tiff) : TIFFScanlineSize(page->tiff);
    tmsize_t expected = page->tiled ? buffer_size : row_bytes * rows;
    // What put_row() reads must lie within the buffer, whatever libtiff made of the tags.
    uint64_t row_bits = (uint64_t)columns * page->bits * (page->separate ? 1 : page->samples);
    if ((uint64_t)row_bytes < (row_bits + 7) / 8 || row_bytes * rows > buffer_size)
        return fail(STATUS_FORMAT, "not a valid TIFF: rows of %lld bytes for %u pixels", (long long)row_bytes, columns);
    const uint32_t unit =
        page->tiled ? TIFFComputeTile(page->tiff, x, y, 0, (uint16_t)plane) : TIFFComputeStrip(page->tiff, y, (uint16_t)plane);
    const tmsize_t got =
        page->tiled ? TIFFReadEncodedTile(page->tiff, unit, buffer, expected) : TIFFReadEncodedStrip(page->tiff, unit, buffer, expected);
    if (got != expected || source->failed)
        return broken_unit(page, source, unit);
    for (uint32_t row = 0; row < rows; row++) {
        const uint8_t *samples = buffer + (tmsize_t)row * row_bytes;
        if (page->bits == 32)
            TRY(check_finite(page, plane, x, y + row, columns, samples));
        put_row(page, image, plane, (int)x, (int)(y + row), (int)columns, samples, scratch);
    }
    return STATUS_OK;
}

static enum status read_units(const struct page *page, struct tiff_source *source, struct image *image)
{
    enum status rc = STATUS_OK;
    tmsize_t size = page->tiled ? TIFFTileSize(page->tiff) : TIFFStripSize(page->tiff);
    uint8_t *scratch = malloc(2 * (size_t)page->unit_width);
    uint8_t *buffer = size > 0 ? malloc((size_t)size) : NULL;
    if (size <= 0)
        rc = broken(source);
    else if (!scratch || !buffer)
        rc = no_memory("for strips or tiles of %lld bytes", (long long)size);
    for (int plane = 0; plane < (page->separate ? page->samples : 1); plane++)
        for (uint32_t y = 0; y < page->height; y += page->unit_height)
            for (uint32_t x = 0; x < page->width && rc == STATUS_OK; x += page->unit_width)
                rc = read_unit(page, source, image, plane, x, y, buffer, size, scratch);
    free(buffer);
    free(scratch);
    return rc;
}

static void invert(struct image *image)
{
    size_t count = 3 * (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < count; i++)
        image->rgb[i] = -image->rgb[i];
}

// The colours of premultiplied alpha are divided by it: an image's alpha never scales its colours.
static void divide_by_alpha(struct image *image)
{
    size_t plane = (size_t)image->width * (size_t)image->height;
    float full = (float)image_alpha_max(image);
    for (size_t i = 0; i < 3 * plane; i++) {
        const float alpha = image->alpha[i % plane];
        float value = alpha > 0 ? (image->rgb[i] + 1) * full / alpha : 0;
        image->rgb[i] = (value < 2 ? value : 2) - 1;
    }
    for (size_t i = 0; image->black && i < plane; i++)
        image->black[i] = image->alpha[i] > 0 ? (uint16_t)fminf((float)image->black[i] * full / image->alpha[i] + 0.5f, full) : 0;
}

// Floats may have any scale. A few beyond 0..1 are highlights of a filter or a camera; many mean that the picture has another scale.
static enum status check_range(struct image *image)
{
    const size_t samples = 3 * (size_t)image->width * (size_t)image->height;
    float lowest = 1, highest = -1;
    size_t outside = 0;
    for (size_t i = 0; i < samples; i++) {
        const float value = image->rgb[i];
        lowest = fminf(lowest, value);
        highest = fmaxf(highest, value);
        outside += value < -1 || value > 1;
        image->rgb[i] = fmaxf(-1, fminf(1, value));
    }
    const double percent = 100 * (double)outside / (double)samples, low = (lowest + 1) / 2, high = (highest + 1) / 2;
    if (percent > OUTSIDE_PERCENT_MAX)
        return fail(STATUS_FORMAT,
                    "%.0f%% of the float samples lie outside 0..1: they go from %g to %g; scale them to 0..1, encoded as sRGB", percent,
                    low, high);
    if (outside > 0)
        image_notice(image, NOTICE_CLIPPED, "%.2g%% of the float samples lie outside 0..1, from %g to %g: they are clipped", percent, low,
                     high);
    return STATUS_OK;
}

static enum status use_profile(const struct page *page, struct image *image)
{
    const enum color_space space = page->colours == 4 ? COLOR_CMYK : is_grey(page) ? COLOR_GREY : COLOR_RGB;
    uint32_t size = 0;
    void *profile = NULL;
    if (!TIFFGetField(page->tiff, TIFFTAG_ICCPROFILE, &size, &profile))
        size = 0;
    return color_to_srgb(image, space, profile, size);
}

static int bits_of(const struct page *page)
{
    return page->bits < 8 ? 8 : page->bits;
}

static bool has_alpha(const struct page *page)
{
    return page->samples > page->colours;
}

static enum status read_image(struct page *page, struct tiff_source *source, const struct image_limits *limits, struct image *image)
{
    uint16_t orientation;
    TRY(read_page(page, limits));
    TRY(codec_allocate(image, limits, page->width, page->height, bits_of(page), has_alpha(page)));
    if (page->colours == COLOR_CMYK)
        TRY(codec_allocate_black(image));
    image->format = IMAGE_FORMAT_TIFF;
    source->concealing = conceals(page->compression);
    TRY(read_units(page, source, image));
    if (image->bits == 32)
        TRY(check_range(image));
    if (page->photometric == PHOTOMETRIC_MINISWHITE)
        invert(image);
    if (image->alpha && page->premultiplied)
        divide_by_alpha(image);
    TRY(use_profile(page, image));
    TIFFGetFieldDefaulted(page->tiff, TIFFTAG_ORIENTATION, &orientation);
    return codec_turn(image, orientation);
}

static tmsize_t largest_block(const struct image_limits *limits)
{
    const uint64_t largest = limits->pixels < INT64_MAX / (2 * BYTES_PER_PIXEL_MAX) ? limits->pixels * BYTES_PER_PIXEL_MAX : INT64_MAX / 2;
    return (tmsize_t)(largest + LIBTIFF_BYTES_SPARE);
}

enum status codec_tiff_probe(struct codec_source *file, const struct image_limits *limits, struct codec_header *header)
{
    struct tiff_source source = {.file = {.source = file, .size = file->size, .listener = {hear, &source}}};
    struct page page = {.tiff = tiff_open_bytes(&source.file, largest_block(limits))};
    uint16_t orientation;
    if (!page.tiff)
        return broken(&source);
    enum status rc = read_page(&page, limits);
    if (rc == STATUS_OK)
        rc = codec_check_size(limits, page.width, page.height);
    TIFFGetFieldDefaulted(page.tiff, TIFFTAG_ORIENTATION, &orientation);
    tiff_close(page.tiff);
    header->bits = bits_of(&page);
    header->alpha = has_alpha(&page);
    codec_set_header(header, page.width, page.height, orientation);
    return rc;
}

enum status codec_tiff_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image)
{
    struct tiff_source source = {.file = {.bytes = bytes, .size = size, .listener = {hear, &source}}};
    struct page page = {.tiff = tiff_open_bytes(&source.file, largest_block(limits))};
    if (!page.tiff)
        return broken(&source);
    enum status rc = read_image(&page, &source, limits, image);
    tiff_close(page.tiff);
    const int pages = codec_tiff_pages(bytes, size);
    if (rc == STATUS_OK && pages < 0)
        return fail(STATUS_FORMAT, "not a valid TIFF: its pages run in a circle");
    if (rc == STATUS_OK && pages > 1)
        image_notice(image, NOTICE_PAGES, "%d%s pages: the first is taken", pages, pages == CODEC_PAGES_MAX ? " or more" : "");
    return rc;
}
