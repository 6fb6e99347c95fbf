// SPDX-License-Identifier: MIT
// What a file says of its picture besides the pixels, on its way to image->tags and back: tags of TIFF and EXIF, which are made of the same
// directories, XMP, a description, pixels a metre. Damage in them is no error: what cannot be read is left out.
#pragma once

#include "common/picture/image.h"
#include "media/tags/directory.h"

// Each takes the first that comes; a copy of the bytes.
enum status tags_take_exif(struct image *image, const void *block, size_t size) MUST_CHECK;
enum status tags_take_xmp(struct image *image, const void *text, size_t size) MUST_CHECK;
enum status tags_take_description(struct image *image, const char *text, size_t size) MUST_CHECK;

// All that the first page of a TIFF says but how its pixels lie in the file, GeoTIFF's tags and those of unknown programs among it.
enum status tags_take_tiff(struct image *image, const uint8_t *bytes, size_t size) MUST_CHECK;

// The picture is one page of several: a description that a program has made of all is left out.
void tags_leave_stack(struct image *image);

// The dream is written without the samples of its file that it does not have.
void tags_lose_samples(struct image *image);

// Once a picture is upright: so say its tags, which no longer have a thumbnail; and what else its EXIF says is looked up.
void tags_settle(struct image *image);

// Adds what the first page of a TIFF does not have yet.
enum status tags_add(int descriptor, const struct image *image) MUST_CHECK;

// How the camera was held, by a block of EXIF: 1 to 8; 1, upright, where it says nothing or is broken.
int exif_orientation(const uint8_t *block, size_t size);
