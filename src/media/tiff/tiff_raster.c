// SPDX-License-Identifier: MIT
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/picture/samples.h"
#include "media/picture/codec_formats.h"
#include "media/tiff/tiff_page.h"

struct copying {
    struct tiff_source source;
    struct tiff_page page; // of the file
    TIFF *out;
    const struct image_raster *raster;
    const struct image *image; // as the file has it: maybe not upright
    struct color *color;
    const void *icc;
    size_t icc_size;
    int samples;  // of a pixel that is written
    size_t bytes; // of a sample
    uint8_t *in_unit, *out_unit;
    tmsize_t out_size, out_row;
    float *values; // of a row
    struct tiff_failure failure;
};

// Grey is three times in what is written.
static bool spreads(const struct copying *c)
{
    return c->page.colours == 1;
}

// The sample of the file that a written one was.
static int origin_of(const struct copying *c, int sample)
{
    return !spreads(c) ? sample : sample < 3 ? c->raster->bands[0] : sample - 2;
}

// Red, green or blue; -1: it stays as it was.
static int colour_of(const struct copying *c, int sample)
{
    for (int colour = 0; colour < 3; colour++)
        if (spreads(c) ? sample == colour : sample == c->raster->bands[colour])
            return colour;
    return -1;
}

static bool is_lossless(uint16_t compression)
{
    return compression == COMPRESSION_NONE || compression == COMPRESSION_LZW || compression == COMPRESSION_PACKBITS ||
           compression == COMPRESSION_ADOBE_DEFLATE || compression == COMPRESSION_ZSTD || compression == COMPRESSION_LZMA;
}

static bool set_layout(const struct copying *c)
{
    const struct tiff_page *page = &c->page;
    const uint16_t compression = is_lossless(page->compression) ? page->compression : COMPRESSION_ADOBE_DEFLATE;
    uint16_t predictor = 1;
    const bool predicts = compression == COMPRESSION_LZW || compression == COMPRESSION_ADOBE_DEFLATE || compression == COMPRESSION_ZSTD;
    if (predicts && compression == page->compression)
        TIFFGetFieldDefaulted(page->tiff, TIFFTAG_PREDICTOR, &predictor);
    if (page->tiled &&
        (!TIFFSetField(c->out, TIFFTAG_TILEWIDTH, page->unit_width) || !TIFFSetField(c->out, TIFFTAG_TILELENGTH, page->unit_height)))
        return false;
    return (page->tiled || TIFFSetField(c->out, TIFFTAG_ROWSPERSTRIP, page->unit_height)) &&
           TIFFSetField(c->out, TIFFTAG_PLANARCONFIG, page->separate ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG) &&
           TIFFSetField(c->out, TIFFTAG_COMPRESSION, compression) && (!predicts || TIFFSetField(c->out, TIFFTAG_PREDICTOR, predictor));
}

// What samples are beyond the colours: as in the file.
static bool set_extra(const struct copying *c)
{
    uint16_t count = 0, *extra = NULL, *copy;
    TIFFGetFieldDefaulted(c->page.tiff, TIFFTAG_EXTRASAMPLES, &count, &extra);
    const bool grey = !spreads(c) && tiff_page_is_grey(&c->page);
    const int wanted = c->samples - (grey ? 1 : 3);
    if (wanted <= 0)
        return true;
    copy = calloc((size_t)wanted, sizeof *copy);
    for (int i = 0; copy && i < wanted; i++) { // the last ones are named
        const int from = count - wanted + i, sample = c->samples - wanted + i;
        copy[i] = from >= 0 ? extra[from] : origin_of(c, sample) == c->page.alpha ? EXTRASAMPLE_UNASSALPHA : EXTRASAMPLE_UNSPECIFIED;
    }
    const bool set = copy && TIFFSetField(c->out, TIFFTAG_EXTRASAMPLES, wanted, copy);
    free(copy);
    return set;
}

static bool set_tags(const struct copying *c)
{
    const struct tiff_page *page = &c->page;
    const uint16_t formats[] = {[SAMPLE_UINT] = SAMPLEFORMAT_UINT, [SAMPLE_INT] = SAMPLEFORMAT_INT, [SAMPLE_FLOAT] = SAMPLEFORMAT_IEEEFP};
    return TIFFSetField(c->out, TIFFTAG_IMAGEWIDTH, page->width) && TIFFSetField(c->out, TIFFTAG_IMAGELENGTH, page->height) &&
           TIFFSetField(c->out, TIFFTAG_BITSPERSAMPLE, page->bits) && TIFFSetField(c->out, TIFFTAG_SAMPLESPERPIXEL, c->samples) &&
           TIFFSetField(c->out, TIFFTAG_SAMPLEFORMAT, formats[page->type.kind]) &&
           TIFFSetField(c->out, TIFFTAG_PHOTOMETRIC, spreads(c) ? PHOTOMETRIC_RGB : page->photometric) &&
           TIFFSetField(c->out, TIFFTAG_ORIENTATION, page->orientation) && set_extra(c) && set_layout(c) &&
           TIFFSetField(c->out, TIFFTAG_SOFTWARE, "oneiros " ONEIROS_VERSION) &&
           (!c->icc || TIFFSetField(c->out, TIFFTAG_ICCPROFILE, (uint32_t)c->icc_size, c->icc));
}

// One sample of each pixel of a row. What is no data stays so, and where the dream is the picture there is the very sample that it was.
static void put_row(const struct copying *c, int sample, uint32_t x, uint32_t y, uint32_t columns, const uint8_t *in, size_t in_step,
                    uint8_t *out, size_t out_step)
{
    const int colour = colour_of(c, sample);
    const struct image_raster *raster = c->raster;
    for (uint32_t i = 0; i < columns; i++)
        memcpy(out + i * out_step * c->bytes, in + i * in_step * c->bytes, c->bytes);
    if (colour < 0 || y >= c->page.height)
        return;
    const size_t width = c->page.width, plane = c->color ? width : width * c->page.height;
    const float *dream = (c->color ? color_row(c->color, c->image, (int)y) : c->image->rgb + y * width) + (size_t)colour * plane + x;
    const bool inverted = c->page.photometric == PHOTOMETRIC_MINISWHITE;
    samples_load(c->page.type, in, columns, in_step, c->page.no_data, c->values);
    for (uint32_t i = 0; i < columns && x + i < width; i++) {
        const float value = c->values[i];
        const bool same = !inverted && sample_to_unit(value, raster->low, raster->high) == dream[i];
        const float unit = inverted && !spreads(c) ? -dream[i] : dream[i];
        if (!isnan(value) && !same)
            samples_store(c->page.type, out + i * out_step * c->bytes, sample_from_unit(unit, raster->low, raster->high), c->page.no_data);
    }
}

// One unit, of one plane where there are planes.
static enum status copy_unit(struct copying *c, int plane, uint32_t x, uint32_t y)
{
    const struct tiff_page *page = &c->page;
    const uint32_t rows = page->tiled ? page->unit_height : tiff_page_rows(page, y), columns = page->unit_width;
    const tmsize_t in_row = tiff_page_row_size(page), size = rows * c->out_row;
    const int planes = page->separate ? 1 : c->samples;
    const enum status rc = tiff_page_read(page, &c->source, page->separate ? origin_of(c, plane) : 0, x, y, rows, c->in_unit);
    if (rc == STATUS_FORMAT && c->raster->accepts_damage) {
        c->source.failed = false;
        tiff_page_fill(page, c->in_unit);
    } else {
        TRY(rc);
    }
    for (uint32_t row = 0; row < rows; row++)
        for (int s = 0; s < planes; s++) {
            const uint8_t *in = c->in_unit + row * in_row + (page->separate ? 0 : (size_t)origin_of(c, s) * c->bytes);
            put_row(c, page->separate ? plane : s, x, y + row, columns, in, page->separate ? 1 : page->samples,
                    c->out_unit + row * c->out_row + (size_t)s * c->bytes, (size_t)planes);
        }
    const uint32_t unit = page->tiled ? TIFFComputeTile(c->out, x, y, 0, (uint16_t)plane) : TIFFComputeStrip(c->out, y, (uint16_t)plane);
    const tmsize_t written =
        page->tiled ? TIFFWriteEncodedTile(c->out, unit, c->out_unit, size) : TIFFWriteEncodedStrip(c->out, unit, c->out_unit, size);
    return written == size ? STATUS_OK : tiff_failure_report(&c->failure);
}

static enum status copy_units(struct copying *c)
{
    const struct tiff_page *page = &c->page;
    c->out_row = page->tiled ? TIFFTileRowSize(c->out) : TIFFScanlineSize(c->out);
    c->out_size = page->tiled ? TIFFTileSize(c->out) : TIFFStripSize(c->out);
    c->in_unit = malloc((size_t)tiff_page_unit_size(page));
    c->out_unit = malloc((size_t)c->out_size);
    c->values = malloc(page->unit_width * sizeof *c->values);
    if (!c->in_unit || !c->out_unit || !c->values)
        return no_memory("for strips or tiles of %lld bytes", (long long)c->out_size);
    for (int plane = 0; plane < (page->separate ? c->samples : 1); plane++)
        for (uint32_t y = 0; y < page->height; y += page->unit_height)
            for (uint32_t x = 0; x < page->width; x += page->unit_width)
                TRY(copy_unit(c, plane, x, y));
    return TIFFWriteDirectory(c->out) ? STATUS_OK : tiff_failure_report(&c->failure);
}

// The dream as it lay in the file. *turned is to be destroyed.
static enum status turn_back(struct copying *c, struct image *turned)
{
    const struct image *image = c->image;
    const int orientation = c->page.orientation;
    const size_t width = (size_t)image->width, plane = width * (size_t)image->height, step = c->color ? width : plane;
    TRY(image_create(turned, image->width, image->height));
    for (int y = 0; y < image->height; y++) {
        const float *row = c->color ? color_row(c->color, image, y) : image->rgb + (size_t)y * width;
        for (size_t k = 0; k < 3; k++)
            memcpy(turned->rgb + k * plane + (size_t)y * width, row + k * step, width * sizeof(float));
    }
    c->color = NULL;
    c->image = turned;
    return codec_turn(turned, orientation == 6 ? 8 : orientation == 8 ? 6 : orientation);
}

enum status tiff_raster_encode(FILE *stream, const struct codec_output *output)
{
    const struct image *image = output->image;
    const struct image_raster *raster = &image->raster;
    struct image_limits limits = {.side = INT_MAX, .pixels = UINT64_MAX}; // these very bytes were within those of the input
    struct copying c = {.source.file = {.bytes = raster->file, .size = raster->file_size},
                        .raster = raster,
                        .image = image,
                        .color = output->color,
                        .icc = image->icc,
                        .icc_size = image->icc_size};
    struct image turned = {0};
    enum status rc;
    for (int k = 0; k < 3; k++) // of grey they are the same
        limits.choice.bands[k] = raster->bands[0] == raster->bands[1] ? 0 : raster->bands[k] + 1;
    TRY_OUT(tiff_page_open(&c.page, &c.source, &limits));
    c.samples = c.page.samples + (spreads(&c) ? 2 : 0);
    c.bytes = (size_t)c.page.bits / 8;
    if (c.page.orientation > 1)
        TRY_OUT(turn_back(&c, &turned));
    const uint64_t bytes = (uint64_t)image->width * (uint64_t)image->height * (uint64_t)c.samples * c.bytes;
    const struct tiff_listener listener = {tiff_failure_hear, &c.failure};
    c.out = tiff_open_sink(stream, bytes, &listener);
    rc = c.out && set_tags(&c) ? copy_units(&c) : tiff_failure_report(&c.failure);
    tiff_close(c.out);
out:
    tiff_close(c.page.tiff);
    image_destroy(&turned);
    free(c.in_unit);
    free(c.out_unit);
    free(c.values);
    return rc;
}
