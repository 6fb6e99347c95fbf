// SPDX-License-Identifier: MIT
// What the formats of codec.h share: private to codec*.c.
//
// A decoder may leave a half-filled image behind when it fails; codec_decode() destroys it. Rows of samples are in native byte order,
// uint8_t where the file has 8 bits, uint16_t where it has 16 and float where it has 32, so that one void pointer stands for all.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/picture/image.h"
#include "media/picture/codec_color.h"
#include "media/picture/codec_tags.h"
#include "media/tags/directory.h"

enum { CODEC_NONE = -1, CODEC_ALPHA = 3, CODEC_BLACK = 4 }; // channels after red, green, blue

enum status codec_png_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image) MUST_CHECK;
enum status codec_tiff_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image) MUST_CHECK;
enum status codec_jpeg_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image) MUST_CHECK;
enum status codec_bmp_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image) MUST_CHECK;
enum status codec_tga_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image) MUST_CHECK;
enum status codec_pnm_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image) MUST_CHECK;
enum status codec_vips_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image) MUST_CHECK;

// An open file whose header is looked at.
struct codec_source {
    int descriptor;
    uint64_t size;
    uint8_t start[4096];
    size_t start_size; // bytes of it
};

// Bytes from `offset` on, as many of `count` as there are; returns how many.
size_t codec_source_read(struct codec_source *source, uint64_t offset, void *out, size_t count);

// Only what the format has is set; bits is 8 before.
struct codec_header;
enum status codec_png_probe(struct codec_source *source, const struct image_limits *limits, struct codec_header *header) MUST_CHECK;
enum status codec_tiff_probe(struct codec_source *source, const struct image_limits *limits, struct codec_header *header) MUST_CHECK;
enum status codec_jpeg_probe(struct codec_source *source, const struct image_limits *limits, struct codec_header *header) MUST_CHECK;
enum status codec_bmp_probe(struct codec_source *source, const struct image_limits *limits, struct codec_header *header) MUST_CHECK;
enum status codec_tga_probe(struct codec_source *source, const struct image_limits *limits, struct codec_header *header) MUST_CHECK;
enum status codec_pnm_probe(struct codec_source *source, const struct image_limits *limits, struct codec_header *header) MUST_CHECK;
enum status codec_vips_probe(struct codec_source *source, const struct image_limits *limits, struct codec_header *header) MUST_CHECK;

// The size that a picture, stored in this one, has once codec_turn() has turned it.
void codec_set_header(struct codec_header *header, uint64_t width, uint64_t height, int orientation);

// Bytes that are no picture that can be decoded, by what they look like. `signature` may be NULL.
struct signature;
enum status codec_refuse(const uint8_t *bytes, size_t size, const struct signature *signature) MUST_CHECK;

// What an encoder writes.
struct codec_output {
    const struct image *image;
    int bits;             // a sample: 8, 16, or 32 for floats in 0..1
    int channels;         // of the rows: 3, or 4 with alpha
    int quality;          // of JPEG, 1..100
    struct color *color;  // to the image's profile; NULL: as they are
    const uint8_t *bytes; // (height, width, 3), the rows as they are, instead of the image's pixels; NULL: none
};

enum status codec_png_encode(FILE *stream, const struct codec_output *output) MUST_CHECK;
enum status codec_tiff_encode(FILE *stream, const struct codec_output *output) MUST_CHECK;
enum status codec_jpeg_encode(FILE *stream, const struct codec_output *output) MUST_CHECK;

// Of a JPEG: what the segments of EXIF and of XMP begin with, and how long one is at most.
extern const char codec_jpeg_exif[6], codec_jpeg_xmp[29];
enum { CODEC_JPEG_MARKER_BYTES_MAX = 65535 };

// Checks the limits, then allocates rgb and, if there is `alpha`, alpha. bits is 8, 16 or 32.
enum status codec_allocate(struct image *image, const struct image_limits *limits, uint64_t width, uint64_t height, int bits,
                           bool alpha) MUST_CHECK;

// Room for the black of CMYK, whose other inks are in rgb.
enum status codec_allocate_black(struct image *image) MUST_CHECK;

// Stores `count` samples of one channel from pixel (x, y) on; they lie `step` samples apart. Floats of rgb are neither clipped nor checked.
void codec_put(struct image *image, int channel, int x, int y, int count, const void *samples, int step);

// The same of alpha in samples of any type and range.
void codec_put_alpha(struct image *image, int x, int y, int count, const void *samples, size_t step, const struct image_raster *raster);

// Decoders of formats where alpha is optional often give it always; where all of it is opaque the file had none worth keeping.
void codec_drop_opaque_alpha(struct image *image);

// The colours of premultiplied alpha are divided by it: an image's alpha never scales its colours.
void codec_divide_by_alpha(struct image *image);

// rgb has values as they are in the file, NaN where there is none, of the type and range in image->raster, all three planes the same where
// there is one colour. They become -1..1 by the range that is chosen, which is in image->raster then, and grey where there is none.
enum status codec_settle_range(struct image *image, const struct image_choice *choice, int colours) MUST_CHECK;

// The other way, of what codec_put() made of samples that are plain: false, and nothing is changed, where they are not as small as would be
// looked at.
bool codec_back_to_values(struct image *image);

// The inverse of codec_put(): row y with its channels interleaved, in the colours of the image's profile, clipped and rounded to the
// nearest.
void codec_get_row(const struct codec_output *output, int y, void *samples);

// libvips takes libtiff's messages when it starts; whoever wants them is there later.
void codec_vips_start(void);

// The pages of a TIFF, at most CODEC_PAGES_MAX, without the smaller versions and masks of others that some are.
enum { CODEC_PAGES_MAX = 10000 };
struct codec_pages {
    int count;
    bool circle; // they run in one
    bool mask;   // one is a mask of the first
};
struct codec_pages codec_tiff_pages(const uint8_t *bytes, size_t size);
// Of how many strips or tiles the first page says where they are.
uint64_t codec_tiff_units(const uint8_t *bytes, size_t size);

// A block of EXIF that a PNG has as text, as ImageMagick and others wrote it before there was a chunk for it: a name, how many bytes, and
// these in hexadecimal. malloc'ed; NULL: the text is none.
uint8_t *exif_in_text(const char *key, const char *text, size_t *size);

// Turns a picture upright, given the orientation (1 to 8) of its EXIF or TIFF tag; other numbers change nothing.
enum status codec_turn(struct image *image, int orientation) MUST_CHECK;
