// SPDX-License-Identifier: MIT
// The first page of a TIFF: how it lies in the file, what its samples are, and one strip or tile of it after the other.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/picture/image.h"
#include "media/tiff/tiff_open.h"

// The file in memory, and what libtiff said about it.
struct tiff_source {
    struct tiff_bytes file;
    char message[256];
    bool concealing; // a decoder that repairs broken data with no more than a warning is at work
    bool failed;
};

// A unit is a strip or a tile.
struct tiff_page {
    TIFF *tiff;
    uint32_t width, height;
    uint16_t bits, samples, photometric, compression;
    bool tiled, separate; // separate: one plane after the other
    uint32_t unit_width, unit_height;
    struct sample_type type;
    int colours;  // 1, 3, or 4 of CMYK
    int bands[4]; // samples that they are
    int alpha;    // the sample that is alpha; -1: none
    int others;   // samples that are neither
    bool premultiplied;
    bool bytes_of_rgb; // YCbCr: units are read as RGBA of 8 bits
    double no_data;    // by GDAL's tag; NaN: nothing is
    double filling;    // of units that are not in the file: no_data, or 0
    uint64_t listed;   // units of which the file says where they are
    int orientation;
    const uint16_t *palette[3]; // libtiff's
    int palette_shift;          // from entries to 8 bits
};

// Opens a TIFF and looks at its first page, which is within the limits then. Close page->tiff also after a failure.
enum status tiff_page_open(struct tiff_page *page, struct tiff_source *source, const struct image_limits *limits) MUST_CHECK;

bool tiff_page_is_grey(const struct tiff_page *page);

// Whether its values are looked at before they are -1..1: not where they are all that 8 bits can have, each of which is data.
bool tiff_page_has_range(const struct tiff_page *page, const struct image_choice *choice);

// Bytes of a unit as tiff_page_read() gives it, and of a row in it.
tmsize_t tiff_page_unit_size(const struct tiff_page *page);
tmsize_t tiff_page_row_size(const struct tiff_page *page);

// The unit whose top left pixel is (x, y), of the plane of one sample where there are planes: `rows` rows of it count. One that a sparse
// file leaves out is full of page->filling.
enum status tiff_page_read(const struct tiff_page *page, struct tiff_source *source, int plane, uint32_t x, uint32_t y, uint32_t rows,
                           void *unit) MUST_CHECK;

// Fails where the file ends before such a unit, which is not read.
enum status tiff_page_check(const struct tiff_page *page, const struct tiff_source *source, int plane, uint32_t x, uint32_t y) MUST_CHECK;

// Whether what a unit is filled with is no data.
bool tiff_page_fills_no_data(const struct tiff_page *page);

// As a unit that is not in the file.
void tiff_page_fill(const struct tiff_page *page, void *unit);

static inline uint32_t tiff_page_rows(const struct tiff_page *page, uint32_t y)
{
    return page->height - y < page->unit_height ? page->height - y : page->unit_height;
}

static inline uint32_t tiff_page_columns(const struct tiff_page *page, uint32_t x)
{
    return page->width - x < page->unit_width ? page->width - x : page->unit_width;
}

// Writes the picture into a copy of the TIFF that it came in: every sample of the file but those that the dream has changed, in the layout
// that they had there. Grey becomes three bands of RGB. A picture that fits image->raster.file.
struct codec_output;
enum status tiff_raster_encode(FILE *stream, const struct codec_output *output) MUST_CHECK;

// For writers: what libtiff says, and the picture's file, which libtiff closes.
struct tiff_failure {
    int error; // errno
    char message[STATUS_MESSAGE_MAX];
};
void tiff_failure_hear(void *user, bool warning, const char *format, va_list args);
enum status tiff_failure_report(const struct tiff_failure *failure) MUST_CHECK;
TIFF *tiff_open_sink(FILE *stream, uint64_t bytes, const struct tiff_listener *listener);
