// SPDX-License-Identifier: MIT
// TIFF in, by libtiff, from memory: the first page; grey, RGB, CMYK, YCbCr or CIELAB, with or without alpha, palette, or any number of
// bands of which three are chosen, of whole numbers or floats, as strips or tiles, in any compression that libtiff was built with.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/picture/samples.h"
#include "common/system/text.h"
#include "media/picture/codec.h"
#include "media/picture/codec_formats.h"
#include "media/tiff/tiff_page.h"

// What it takes to bring units into an image.
struct reading {
    const struct tiff_page *page;
    struct tiff_source *source;
    const struct image_choice *choice;
    struct image *image;
    bool values; // rgb has values as they are in the file, until their range is known
    void *unit;
    uint8_t *scratch; // of 4 bytes a pixel of a row
    int broken;       // units that are grey instead
};

// `count` samples of `bits` bits each, most significant first, one a byte.
static void unpack(const uint8_t *packed, int bits, int count, uint8_t *out)
{
    for (int i = 0; i < count; i++) {
        int at = i * bits;
        out[i] = (uint8_t)(packed[at / 8] >> (8 - bits - at % 8) & ((1 << bits) - 1));
    }
}

// `step` samples apart; one of them may be alpha.
static void put_palette(const struct reading *r, int x, int y, int count, const uint8_t *row, int step)
{
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < count; i++)
            r->scratch[count + i] = (uint8_t)(r->page->palette[c][row[i * step]] >> r->page->palette_shift);
        codec_put(r->image, c, x, y, count, r->scratch + count, 1);
    }
    if (step > 1)
        codec_put(r->image, CODEC_ALPHA, x, y, count, row + r->page->alpha, step);
}

// Where a sample of a pixel goes; the only colour of grey goes to the others, too.
static int channel_of(const struct tiff_page *page, int sample)
{
    for (int c = 0; c < page->colours; c++)
        if (page->bands[c] == sample)
            return c == 3 ? CODEC_BLACK : c;
    return sample == page->alpha ? CODEC_ALPHA : CODEC_NONE;
}

// a and b of CIELAB are signed.
static void make_unsigned(const struct tiff_page *page, uint8_t *row, int count)
{
    const int bytes = page->bits / 8, step = page->separate ? 1 : page->samples;
    for (int i = 0; i < count; i++)
        for (int c = page->separate ? 0 : 1; c < (page->separate ? 1 : 3); c++)
            row[(i * step + c) * bytes + (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? bytes - 1 : 0)] ^= 0x80;
}

static void put_alpha(const struct reading *r, int x, int y, int count, const void *samples, size_t step)
{
    struct image_raster raster = {.type = r->page->type};
    samples_range(raster.type, &raster.low, &raster.high);
    codec_put_alpha(r->image, x, y, count, samples, step, &raster);
}

static void put_samples(const struct reading *r, int channel, int x, int y, int count, const void *samples, int step)
{
    struct image *image = r->image;
    const size_t plane = (size_t)image->width * (size_t)image->height, at = (size_t)y * (size_t)image->width + (size_t)x;
    float *out = image->rgb + (size_t)channel * plane + at;
    if (!r->values)
        codec_put(image, channel, x, y, count, samples, step);
    else if (channel == CODEC_ALPHA)
        put_alpha(r, x, y, count, samples, (size_t)step);
    else
        samples_load(r->page->type, samples, (size_t)count, (size_t)step, r->page->no_data, out);
    for (int c = 1; r->page->colours == 1 && channel == 0 && c < 3; c++)
        memcpy(out + (size_t)c * plane, out, (size_t)count * sizeof *out);
}

// Part of one row, `count` pixels from (x, y) on.
static void put_row(const struct reading *r, int plane, int x, int y, int count, uint8_t *row)
{
    const struct tiff_page *page = r->page;
    if (page->bits < 8) {
        unpack(row, page->bits, count, r->scratch);
        row = r->scratch;
        for (int i = 0; i < count && !page->palette[0]; i++)
            row[i] = (uint8_t)(row[i] * 255 / ((1 << page->bits) - 1));
    }
    if (page->palette[0] && plane == 0) {
        put_palette(r, x, y, count, row, page->separate ? 1 : page->samples);
        return;
    }
    if (page->photometric == PHOTOMETRIC_CIELAB && !(page->separate && (plane == 0 || plane > 2)))
        make_unsigned(page, row, count);
    const int bytes = page->bytes_of_rgb ? 1 : (page->bits + 7) / 8, step = page->bytes_of_rgb ? 4 : page->separate ? 1 : page->samples;
    for (int s = 0; s < step; s++) {
        const int channel = channel_of(page, page->separate ? plane : s);
        if (channel != CODEC_NONE)
            put_samples(r, channel, x, y, count, row + s * bytes, step);
    }
}

// What cannot be read stays grey where that is accepted, and no data where the file has a value for that.
static enum status read_unit(struct reading *r, int plane, uint32_t x, uint32_t y)
{
    const struct tiff_page *page = r->page;
    const uint32_t rows = tiff_page_rows(page, y), columns = tiff_page_columns(page, x);
    const bool wanted = !page->separate || channel_of(page, plane) != CODEC_NONE; // others must be there when the dream is written
    const enum status rc =
        wanted ? tiff_page_read(page, r->source, plane, x, y, rows, r->unit) : tiff_page_check(page, r->source, plane, x, y);
    if (rc == STATUS_FORMAT && r->choice->accepts_damage) {
        r->source->failed = false;
        r->broken++;
        if (wanted && r->values && !tiff_page_fills_no_data(page) && channel_of(page, plane) != CODEC_ALPHA)
            r->image->raster.unread += (size_t)rows * columns * (size_t)(page->separate ? 1 : page->colours);
        return STATUS_OK;
    }
    TRY(rc);
    if (!wanted)
        return STATUS_OK;
    for (uint32_t row = 0; row < rows; row++)
        put_row(r, plane, (int)x, (int)(y + row), (int)columns, (uint8_t *)r->unit + (tmsize_t)row * tiff_page_row_size(page));
    return STATUS_OK;
}

static enum status read_units(struct reading *r)
{
    const struct tiff_page *page = r->page;
    const size_t size = (size_t)tiff_page_unit_size(page);
    enum status rc = STATUS_OK;
    r->unit = malloc(size);
    r->scratch = malloc(4 * (size_t)page->unit_width);
    if (!r->unit || !r->scratch)
        rc = no_memory("for strips or tiles of %zu bytes", size);
    for (int plane = 0; plane < (page->separate ? page->samples : 1); plane++)
        for (uint32_t y = 0; y < page->height && (!page->separate || r->image->raster.keeps_file || channel_of(page, plane) != CODEC_NONE);
             y += page->unit_height)
            for (uint32_t x = 0; x < page->width && rc == STATUS_OK; x += page->unit_width)
                rc = read_unit(r, plane, x, y);
    free(r->unit);
    free(r->scratch);
    if (rc == STATUS_OK && r->broken)
        image_notice(r->image, NOTICE_DAMAGE, "damaged: %d %s%s cannot be read and %s grey (%s)", r->broken, page->tiled ? "tile" : "strip",
                     PLURAL(r->broken), r->broken == 1 ? "is" : "are", r->source->message[0] ? r->source->message : "it ends early");
    return rc;
}

static void invert(struct image *image)
{
    size_t count = 3 * (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < count; i++)
        image->rgb[i] = -image->rgb[i];
}

static enum status use_profile(const struct tiff_page *page, struct image *image)
{
    const enum color_space space = page->colours == 4 ? COLOR_CMYK : page->colours == 1 && tiff_page_is_grey(page) ? COLOR_GREY : COLOR_RGB;
    uint32_t size = 0;
    void *profile = NULL;
    if (page->photometric == PHOTOMETRIC_CIELAB || page->photometric == PHOTOMETRIC_ICCLAB)
        return color_lab_to_srgb(image);
    if (!TIFFGetField(page->tiff, TIFFTAG_ICCPROFILE, &size, &profile))
        size = 0;
    return color_to_srgb(image, space, profile, size);
}

// Of an image: 8, 16, or 32 for floats and what has as many.
static int bits_of(const struct tiff_page *page)
{
    return page->bits <= 8 ? 8 : page->bits == 16 && page->type.kind != SAMPLE_FLOAT ? 16 : 32;
}

static void describe_bands(const struct tiff_page *page, const struct image_choice *choice, struct image *image)
{
    char others[128] = "";
    if (page->others > 0 && !choice->alone)
        snprintf(others, sizeof others, ", others stay as they are");
    else if (page->others > 0 && *choice->alone)
        snprintf(others, sizeof others, ", others do not stay: %s", choice->alone);
    const bool declared = page->photometric == PHOTOMETRIC_RGB && !choice->bands[0] && page->others == 0;
    if (page->colours == 3 && !declared && (page->others > 0 || choice->bands[0]))
        image_notice(image, NOTICE_BANDS, "%u bands: %d, %d and %d are red, green and blue (input.bands)%s", page->samples,
                     page->bands[0] + 1, page->bands[1] + 1, page->bands[2] + 1, others);
    else if (page->colours == 1 && page->others > 0)
        image_notice(image, NOTICE_BANDS, "%u bands: the first is taken (input.bands)%s", page->samples, others);
}

// Of what is grey or RGB. What is plain is written as it always was: 8 or 16 bits, or floats of 0..1, without other bands.
static void begin_raster(const struct tiff_page *page, const struct image_choice *choice, struct image *image)
{
    struct image_raster *raster = &image->raster;
    if (page->bits < 8 || page->bytes_of_rgb || (!tiff_page_is_grey(page) && page->photometric != PHOTOMETRIC_RGB))
        return;
    raster->type = page->type;
    raster->accepts_damage = choice->accepts_damage;
    samples_range(page->type, &raster->low, &raster->high);
    for (int c = 0; c < 3; c++)
        raster->bands[c] = page->bands[page->colours == 3 ? c : 0];
    raster->keeps_file = !choice->alone && (!raster_is_plain(raster) || page->others > 0 || !isnan(page->no_data) || choice->bands[0]);
    describe_bands(page, choice, image);
}

// Photographs of 16 bits, whose values matter only where all of them are small: few are.
static bool reads_plainly(const struct tiff_page *page, const struct image_choice *choice, const struct image_raster *raster)
{
    return choice->range == RANGE_AUTO && !choice->accepts_damage && page->type.kind == SAMPLE_UINT && isnan(page->no_data) &&
           raster_is_plain(raster) && !raster->keeps_file;
}

static enum status read_image(struct reading *r, const struct image_limits *limits)
{
    const struct tiff_page *page = r->page;
    struct image *image = r->image;
    TRY(codec_allocate(image, limits, page->width, page->height, bits_of(page), page->alpha >= 0));
    if (page->colours == COLOR_CMYK)
        TRY(codec_allocate_black(image));
    image->format = IMAGE_FORMAT_TIFF;
    begin_raster(page, r->choice, image);
    r->values = tiff_page_has_range(page, r->choice);
    const bool plain = r->values && reads_plainly(page, r->choice, &image->raster);
    r->values = r->values && !plain;
    for (size_t i = 0; r->choice->accepts_damage && i < 3 * (size_t)page->width * page->height; i++)
        image->rgb[i] = r->values ? NAN : 0;
    TRY(read_units(r));
    if (r->values || (plain && codec_back_to_values(image)))
        TRY(codec_settle_range(image, r->choice, page->colours));
    if (page->photometric == PHOTOMETRIC_MINISWHITE)
        invert(image);
    if (image->alpha && page->premultiplied && !image->raster.keeps_file && raster_is_plain(&image->raster))
        codec_divide_by_alpha(image);
    TRY(use_profile(page, image));
    TRY(tags_take_tiff(image, r->source->file.bytes, r->source->file.size));
    return codec_turn(image, page->orientation);
}

enum status codec_tiff_probe(struct codec_source *file, const struct image_limits *limits, struct codec_header *header)
{
    struct tiff_source source = {.file = {.source = file, .size = file->size}};
    struct tiff_page page;
    const enum status rc = tiff_page_open(&page, &source, limits);
    tiff_close(page.tiff);
    header->bits = bits_of(&page);
    header->alpha = page.alpha >= 0;
    codec_set_header(header, page.width, page.height, page.orientation);
    return rc;
}

static void see_pages(struct image *image, struct codec_pages pages)
{
    if (pages.count > 1)
        tags_leave_stack(image);
    if (pages.circle)
        image_notice(image, NOTICE_PAGES, "pages that run in a circle: the first is taken");
    else if (pages.count > 1)
        image_notice(image, NOTICE_PAGES, "%d%s pages: the first is taken", pages.count, pages.count == CODEC_PAGES_MAX ? " or more" : "");
    if (pages.mask)
        image_notice(image, NOTICE_PAGES, "its transparency mask, a page of its own, does not come along");
}

enum status codec_tiff_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image)
{
    struct tiff_source source = {.file = {.bytes = bytes, .size = size}};
    struct tiff_page page;
    struct image_choice choice = limits->choice;
    enum status rc = tiff_page_open(&page, &source, limits);
    if (rc == STATUS_OK && !choice.alone && page.tiled && (page.unit_width % 16 != 0 || page.unit_height % 16 != 0))
        choice.alone = "its tiles are no multiple of 16 pixels, as TIFF wants them";
    if (rc == STATUS_OK)
        rc = read_image(&(struct reading){.page = &page, .source = &source, .choice = &choice, .image = image}, limits);
    tiff_close(page.tiff);
    if (rc == STATUS_OK)
        see_pages(image, codec_tiff_pages(bytes, size));
    if (rc == STATUS_OK && choice.alone)
        tags_lose_samples(image);
    return rc;
}
