// SPDX-License-Identifier: MIT
#include "media/tiff/tiff_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/picture/samples.h"
#include "media/picture/codec.h"
#include "media/picture/codec_formats.h"

enum {
    UNIT_PIXELS_MIN = 1 << 20,      // a tile may be larger than a small picture, but not without bound
    LIBTIFF_BYTES_SPARE = 64 << 20, // for libtiff's own tables
    BYTES_PER_PIXEL_MAX = 4 * 8,    // four floats of 64 bits, or as much of others
    BYTES_MIN = 256 << 20,          // which any picture may have
    TAG_GDAL_NODATA = 42113,
};

static void hear(void *user, bool warning, const char *format, va_list args)
{
    struct tiff_source *source = user;
    if (warning && !source->concealing)
        return; // about tags that are not used here
    vsnprintf(source->message, sizeof source->message, format, args);
    if (strncmp(source->message, "Read error at", 13) == 0) // with numbers that say nothing
        snprintf(source->message, sizeof source->message, "the file ends early");
    source->failed = true;
}

bool tiff_page_is_grey(const struct tiff_page *page)
{
    return page->photometric == PHOTOMETRIC_MINISBLACK || page->photometric == PHOTOMETRIC_MINISWHITE;
}

// Rasters of science are grey or RGB.
static enum status check_bits(struct tiff_page *page)
{
    const bool palette = page->photometric == PHOTOMETRIC_PALETTE, packed = page->bits == 1 || page->bits == 2 || page->bits == 4;
    const bool raster = tiff_page_is_grey(page) || page->photometric == PHOTOMETRIC_RGB;
    uint16_t format;
    TIFFGetFieldDefaulted(page->tiff, TIFFTAG_SAMPLEFORMAT, &format);
    page->type = (struct sample_type){format == SAMPLEFORMAT_IEEEFP ? SAMPLE_FLOAT
                                      : format == SAMPLEFORMAT_INT  ? SAMPLE_INT
                                                                    : SAMPLE_UINT,
                                      page->bits};
    if (format == SAMPLEFORMAT_COMPLEXINT || format == SAMPLEFORMAT_COMPLEXIEEEFP)
        return fail(STATUS_UNSUPPORTED, "a TIFF with complex samples; convert them to their magnitude");
    if (format > SAMPLEFORMAT_VOID)
        return fail(STATUS_UNSUPPORTED, "a TIFF with samples of format %u, which nobody knows; convert it to whole numbers or floats",
                    format);
    if (page->type.kind != SAMPLE_UINT && !raster && page->photometric != PHOTOMETRIC_CIELAB)
        return fail(STATUS_UNSUPPORTED, "a TIFF with %s samples that are neither grey nor RGB; convert it to RGB, or to unsigned samples",
                    page->type.kind == SAMPLE_INT ? "signed" : "float");
    if (packed && page->samples == 1 && page->type.kind == SAMPLE_UINT)
        return STATUS_OK;
    if (raster && !samples_are_known(page->type))
        return fail(STATUS_UNSUPPORTED, "a TIFF with %u bits a sample%s; convert it to 8, 16 or 32, or to floats of 16, 32 or 64",
                    page->bits, page->type.kind == SAMPLE_FLOAT ? ", which are floats" : "");
    if (!raster && page->bits != 8 && !(page->bits == 16 && !palette))
        return fail(STATUS_UNSUPPORTED, "a TIFF with %u bits a sample; convert it to 8 or 16", page->bits);
    return STATUS_OK;
}

// The sample that says of itself that it is alpha, or that old programs mean by one more than there are colours.
static void find_alpha(struct tiff_page *page)
{
    uint16_t count, *extra;
    page->alpha = -1;
    TIFFGetFieldDefaulted(page->tiff, TIFFTAG_EXTRASAMPLES, &count, &extra);
    for (int i = 0; i < count && page->alpha < 0; i++)
        if (extra[i] == EXTRASAMPLE_ASSOCALPHA || extra[i] == EXTRASAMPLE_UNASSALPHA) {
            page->alpha = page->samples - count + i;
            page->premultiplied = extra[i] == EXTRASAMPLE_ASSOCALPHA;
        }
    const bool palette = page->photometric == PHOTOMETRIC_PALETTE; // whose colours are never multiplied by alpha
    const int colours = tiff_page_is_grey(page) || palette ? 1 : page->photometric == PHOTOMETRIC_SEPARATED ? 4 : 3;
    page->premultiplied = page->premultiplied && !palette;
    if (page->alpha < 0 && page->samples == colours + 1)
        page->alpha = colours;
}

static enum status choose_bands(struct tiff_page *page, const struct image_choice *choice)
{
    const int grey = page->samples - (page->alpha >= 0);
    page->colours = page->photometric == PHOTOMETRIC_RGB || grey >= 3 || choice->bands[0] ? 3 : 1;
    for (int c = 0; c < page->colours; c++) {
        page->bands[c] = choice->bands[0] ? choice->bands[c] - 1 : c;
        if (page->bands[c] >= page->samples)
            return fail(STATUS_FORMAT,
                        choice->bands[0] ? "input.bands names band %d, and there %s %u" : "a TIFF of RGB has no band %d: there %s %u",
                        page->bands[c] + 1, page->samples == 1 ? "is" : "are", page->samples);
        if (page->bands[c] == page->alpha)
            page->alpha = -1;
    }
    page->others = page->samples - page->colours - (page->alpha >= 0);
    return STATUS_OK;
}

static enum status check_kind(struct tiff_page *page, const struct image_choice *choice)
{
    const bool palette = page->photometric == PHOTOMETRIC_PALETTE, inks = page->photometric == PHOTOMETRIC_SEPARATED;
    const bool lab = page->photometric == PHOTOMETRIC_CIELAB || page->photometric == PHOTOMETRIC_ICCLAB;
    uint16_t ink_set;
    page->bytes_of_rgb = page->photometric == PHOTOMETRIC_YCBCR;
    find_alpha(page);
    if (tiff_page_is_grey(page) || page->photometric == PHOTOMETRIC_RGB) {
        TRY(choose_bands(page, choice));
        return check_bits(page);
    }
    if (!palette && !inks && !lab && !page->bytes_of_rgb)
        return fail(STATUS_UNSUPPORTED,
                    "a TIFF with photometric interpretation %u; only grey, RGB, CMYK, YCbCr, CIELAB and palette are supported",
                    page->photometric);
    TIFFGetFieldDefaulted(page->tiff, TIFFTAG_INKSET, &ink_set);
    if (inks && (ink_set != INKSET_CMYK || page->samples < COLOR_CMYK))
        return fail(STATUS_UNSUPPORTED, "a TIFF with inks other than CMYK, in %u samples a pixel; convert it to CMYK or RGB",
                    page->samples);
    page->colours = inks ? 4 : palette ? 1 : 3;
    for (int c = 0; c < page->colours; c++)
        page->bands[c] = c;
    if (page->samples != page->colours && (page->bytes_of_rgb || page->alpha != page->colours))
        return fail(STATUS_UNSUPPORTED, "a TIFF with %u samples a pixel where %d colours are expected", page->samples, page->colours);
    return check_bits(page);
}

static enum status read_palette(struct tiff_page *page)
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

static enum status read_geometry(struct tiff_page *page, const struct image_limits *limits)
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

// GDAL's tag, which libtiff does not know by name, is a text. False: there is none.
static bool find_no_data(TIFF *tiff, double *value)
{
    uint32_t count;
    const char *text;
    char copy[64], *end;
    if (!TIFFFindField(tiff, TAG_GDAL_NODATA, TIFF_ASCII) || TIFFFieldPassCount(TIFFFindField(tiff, TAG_GDAL_NODATA, TIFF_ASCII)) == 0 ||
        !TIFFGetField(tiff, TAG_GDAL_NODATA, &count, &text))
        return false;
    snprintf(copy, sizeof copy, "%.*s", (int)(count < sizeof copy ? count : sizeof copy - 1), text);
    *value = strtod(copy, &end);
    return end > copy;
}

static void read_no_data(struct tiff_page *page)
{
    const bool is = find_no_data(page->tiff, &page->no_data);
    if (!is)
        page->no_data = NAN;
    page->filling = is ? page->no_data : 0;
}

static enum status read_page(struct tiff_page *page, const struct image_limits *limits)
{
    TIFF *tiff = page->tiff;
    uint16_t planar, orientation;
    if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &page->width) || !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &page->height) ||
        !TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &page->photometric))
        return fail(STATUS_FORMAT, "a TIFF without width, height or photometric interpretation");
    TRY(codec_check_size(limits, page->width, page->height));
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &page->bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &page->samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &page->compression);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
    page->orientation = orientation;
    if (!TIFFIsCODECConfigured(page->compression))
        return fail(STATUS_UNSUPPORTED, "a TIFF with compression %u, which this libtiff does not have", page->compression);
    if (page->compression == COMPRESSION_JPEG && page->photometric == PHOTOMETRIC_YCBCR) {
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        page->photometric = PHOTOMETRIC_RGB;
    }
    page->separate = planar == PLANARCONFIG_SEPARATE && page->samples > 1 && page->photometric != PHOTOMETRIC_YCBCR;
    read_no_data(page);
    TRY(check_kind(page, &limits->choice));
    TRY(read_geometry(page, limits));
    return page->photometric == PHOTOMETRIC_PALETTE ? read_palette(page) : STATUS_OK;
}

// Bytes of so many pixels, whatever bands they have: a file of a few bytes may say that there are 65535 of 8 bytes. What is in the file is
// within input.max_bytes.
static uint64_t most_bytes(const struct tiff_source *source, uint64_t pixels)
{
    const uint64_t most = pixels < INT64_MAX / (2 * BYTES_PER_PIXEL_MAX) ? pixels * BYTES_PER_PIXEL_MAX : INT64_MAX / 2;
    const uint64_t least = source->file.size > BYTES_MIN ? source->file.size : BYTES_MIN;
    return most > least ? most : least;
}

static enum status broken(const struct tiff_source *source)
{
    return fail(STATUS_FORMAT, "not a valid TIFF: %s", source->message[0] ? source->message : "the data ends early");
}

// A unit is in memory, where the picture's pixels are, too. All bands are decoded, and written again.
static enum status check_bytes(const struct tiff_page *page, const struct tiff_source *source, const struct image_limits *limits)
{
    const tmsize_t size = tiff_page_unit_size(page);
    const double pixels = (double)page->width * page->height, bytes = pixels * page->samples * page->bits / 8;
    const uint64_t most = most_bytes(source, limits->pixels), unit_most = most_bytes(source, (uint64_t)page->width * page->height);
    if (size <= 0)
        return broken(source);
    if (bytes > (double)most)
        return fail(STATUS_LIMIT, "%u x %u pixels of %u bands are %.0f bytes; the limit is %llu, %d for each of input.max_pixels",
                    page->width, page->height, page->samples, bytes, (unsigned long long)most, BYTES_PER_PIXEL_MAX);
    if ((uint64_t)size > unit_most)
        return fail(STATUS_LIMIT, "%s of %lld bytes, of %u bands; the limit is %llu in a picture of %u x %u pixels",
                    page->tiled ? "tiles" : "strips", (long long)size, page->samples, (unsigned long long)unit_most, page->width,
                    page->height);
    return STATUS_OK;
}

enum status tiff_page_open(struct tiff_page *page, struct tiff_source *source, const struct image_limits *limits)
{
    source->file.listener = (struct tiff_listener){hear, source};
    *page =
        (struct tiff_page){.tiff = tiff_open_bytes(&source->file, (tmsize_t)(most_bytes(source, limits->pixels) + LIBTIFF_BYTES_SPARE))};
    if (!page->tiff)
        return broken(source);
    TRY(read_page(page, limits));
    source->concealing = conceals(page->compression);
    page->listed = codec_tiff_units(source->file.bytes, source->file.size);
    return check_bytes(page, source, limits);
}

bool tiff_page_has_range(const struct tiff_page *page, const struct image_choice *choice)
{
    const bool raster = tiff_page_is_grey(page) || page->photometric == PHOTOMETRIC_RGB;
    const bool chosen = choice->range == RANGE_VALUES || choice->range == RANGE_PERCENTILES;
    const bool may_be_small = choice->range == RANGE_AUTO && page->bits == 16;
    return raster && page->bits >= 8 &&
           (chosen || may_be_small || !isnan(page->no_data) || page->type.kind != SAMPLE_UINT || page->bits == 32);
}

tmsize_t tiff_page_unit_size(const struct tiff_page *page)
{
    if (page->bytes_of_rgb)
        return (tmsize_t)page->unit_width * page->unit_height * 4;
    return page->tiled ? TIFFTileSize(page->tiff) : TIFFStripSize(page->tiff);
}

tmsize_t tiff_page_row_size(const struct tiff_page *page)
{
    if (page->bytes_of_rgb)
        return (tmsize_t)page->unit_width * 4;
    return page->tiled ? TIFFTileRowSize(page->tiff) : TIFFScanlineSize(page->tiff);
}

static bool ends_before(const struct tiff_page *page, const struct tiff_source *source, uint32_t unit)
{
    const uint64_t at = TIFFGetStrileOffset(page->tiff, unit), bytes = TIFFGetStrileByteCount(page->tiff, unit);
    return at > source->file.size || bytes > source->file.size - at;
}

static enum status broken_unit(const struct tiff_page *page, const struct tiff_source *source, uint32_t unit)
{
    if (ends_before(page, source, unit))
        return fail(STATUS_FORMAT, "not a valid TIFF: the file ends early, within or before %s %u", page->tiled ? "tile" : "strip", unit);
    return broken(source);
}

// Sparse files leave units out. Those that libtiff adds where tags say less than there should be are something else.
static bool is_left_out(const struct tiff_page *page, uint32_t unit)
{
    return unit < page->listed && TIFFGetStrileOffset(page->tiff, unit) == 0 && TIFFGetStrileByteCount(page->tiff, unit) == 0;
}

bool tiff_page_fills_no_data(const struct tiff_page *page)
{
    return page->filling == page->no_data || (isnan(page->filling) && page->type.kind == SAMPLE_FLOAT);
}

void tiff_page_fill(const struct tiff_page *page, void *unit)
{
    const tmsize_t size = tiff_page_unit_size(page), bytes = page->bits / 8;
    memset(unit, 0, (size_t)size);
    if (page->filling == 0 || page->bytes_of_rgb || !samples_are_known(page->type))
        return;
    if (isnan(page->filling) && page->type.kind != SAMPLE_FLOAT)
        return;
    for (tmsize_t at = 0; at + bytes <= size; at += bytes)
        samples_store(page->type, (uint8_t *)unit + at, page->filling, NAN);
}

// As RGBA, whose first row libtiff puts last.
static bool read_rgba(const struct tiff_page *page, uint32_t x, uint32_t y, uint32_t rows, uint8_t *unit)
{
    uint32_t *pixels = (uint32_t *)(void *)unit;
    const int done = page->tiled ? TIFFReadRGBATileExt(page->tiff, x, y, pixels, 1) : TIFFReadRGBAStripExt(page->tiff, y, pixels, 1);
    const uint32_t high = page->tiled ? page->unit_height : rows, width = page->unit_width;
    for (uint32_t top = 0; top < high / 2; top++)
        for (uint32_t i = 0; i < width; i++) {
            const uint32_t pixel = pixels[(size_t)top * width + i];
            pixels[(size_t)top * width + i] = pixels[(size_t)(high - 1 - top) * width + i];
            pixels[(size_t)(high - 1 - top) * width + i] = pixel;
        }
    return done != 0;
}

static uint32_t unit_at(const struct tiff_page *page, int plane, uint32_t x, uint32_t y)
{
    return page->tiled ? TIFFComputeTile(page->tiff, x, y, 0, (uint16_t)plane) : TIFFComputeStrip(page->tiff, y, (uint16_t)plane);
}

enum status tiff_page_check(const struct tiff_page *page, const struct tiff_source *source, int plane, uint32_t x, uint32_t y)
{
    const uint32_t unit = unit_at(page, plane, x, y);
    return ends_before(page, source, unit) ? broken_unit(page, source, unit) : STATUS_OK;
}

enum status tiff_page_read(const struct tiff_page *page, struct tiff_source *source, int plane, uint32_t x, uint32_t y, uint32_t rows,
                           void *unit)
{
    const tmsize_t size = tiff_page_unit_size(page), row_bytes = tiff_page_row_size(page);
    const tmsize_t expected = page->tiled ? size : row_bytes * rows;
    // What is read of it must lie within the unit, whatever libtiff made of the tags.
    const uint32_t columns = page->tiled ? page->unit_width : page->width;
    const uint64_t row_bits =
        page->bytes_of_rgb ? 32 * (uint64_t)columns : (uint64_t)columns * page->bits * (page->separate ? 1 : page->samples);
    if ((uint64_t)row_bytes < (row_bits + 7) / 8 || row_bytes * rows > size)
        return fail(STATUS_FORMAT, "not a valid TIFF: rows of %lld bytes for %u pixels", (long long)row_bytes, columns);
    const uint32_t number = unit_at(page, plane, x, y);
    if (is_left_out(page, number)) {
        tiff_page_fill(page, unit);
        return STATUS_OK;
    }
    const bool read = page->bytes_of_rgb ? read_rgba(page, x, y, rows, unit)
                      : page->tiled      ? TIFFReadEncodedTile(page->tiff, number, unit, expected) == expected
                                         : TIFFReadEncodedStrip(page->tiff, number, unit, expected) == expected;
    return read && !source->failed ? STATUS_OK : broken_unit(page, source, number);
}
