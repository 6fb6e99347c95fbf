// SPDX-License-Identifier: MIT
// Pictures from bytes and back. The table of formats and their decoders is in signature.c. The format is found from the content, never from
// the name.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/picture/image.h"

// Decodes one picture held in memory. On failure *image is zeroed and the message says what is wrong with the bytes; it does not name
// the file (the caller knows that). Limits hold before anything of the picture's size is allocated.
//
// The picture is sRGB: one with an ICC profile is brought there (codec_color.h), as is a PNG that says otherwise what its colours are;
// one without is taken as sRGB. It is upright: an EXIF or TIFF orientation is undone. Of several pages or frames it is the first.
// Premultiplied alpha is divided out. A file that is cut off or damaged is an error, not half a picture, unless limits->choice accepts it.
// Where image->raster.keeps_file, the caller gives it the bytes, or calls image_drop_file(); it says before by limits->choice.alone. What
// the user should know about all that is in the image's notice.
enum status codec_decode(const void *bytes, size_t size, const struct image_limits *limits, struct image *image) MUST_CHECK;

// The picture was of that size before: where its pixels lie on a map follows.
void codec_resized(struct image *image, int width, int height);

// What a file's header says of its picture, as codec_decode() would have it: upright, of so many bits a sample.
struct codec_header {
    int width, height; // pixels
    int bits;
    bool alpha; // of others than PNG and TIFF: there may be one, which is left away where all of it is opaque
};

// Reads headers alone, of an open file of so many bytes, whose position stays. What fails here fails to be decoded; what does not may still
// be damaged behind its header.
enum status codec_probe(int descriptor, uint64_t size, const struct image_limits *limits, struct codec_header *header) MUST_CHECK;

// Whether a picture of this size may be decoded, or made: STATUS_FORMAT without a pixel, STATUS_LIMIT.
enum status codec_check_size(const struct image_limits *limits, uint64_t width, uint64_t height) MUST_CHECK;

// Writes rgb and alpha with `image->bits` bits a sample to `path`, complete or absent, in the colours of image->icc and with that profile.
// OTHER is written as PNG. PNG has 16 bits at most; JPEG has 8, no alpha, and the quality below. rgb is clipped to [-1, 1] and rounded to
// the nearest sample; NaN and infinity are refused. The same image gives the same bytes.
enum status codec_encode(const char *path, enum image_format format, const struct image *image) MUST_CHECK;

// The same of (height, width, 3) bytes, as a PNG without a profile.
enum status codec_encode_bytes(const char *path, int width, int height, const uint8_t *rgb) MUST_CHECK;

// Whether a JPEG has room for all of these tags. Those that it has none for are left out.
bool codec_jpeg_holds(const struct image_tags *tags);

enum { CODEC_QUALITY = 95 };

// The same as JPEG, of a quality from 1 to 100.
enum status codec_encode_jpeg(const char *path, int quality, const struct image *image) MUST_CHECK;

// The same in memory, malloc'ed.
enum status codec_jpeg_bytes(int quality, const struct image *image, void **bytes, size_t *size) MUST_CHECK;

// (3, pixels) in [-1, 1] -> (pixels, 3) of 8 bits, clipped and rounded as codec_encode() does; NaN becomes 0.
void codec_to_bytes(const float *rgb, size_t pixels, uint8_t *bytes);
// The inverse. Of whole bytes codec_to_bytes() and codec_encode() make the same bytes again.
void codec_from_bytes(const uint8_t *bytes, size_t pixels, float *rgb);

// "png", "tif" or "jpg".
const char *codec_extension(enum image_format format);
