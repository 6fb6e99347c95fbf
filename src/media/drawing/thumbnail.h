// SPDX-License-Identifier: MIT
// A small JPEG of a picture, as a data: URI for a page that stands alone.
#pragma once

#include <stddef.h>

#include "common/picture/image.h"

enum {
    THUMBNAIL_SIDE_MIN = 96,         // pixels, of the longest side
    THUMBNAIL_PAGE_BYTES = 20 << 20, // of all thumbnails of a page, as text
};

// What each of so many pictures may be: the longest side in pixels, `most` or less, and bytes of its JPEG.
struct thumbnail_budget {
    int side;
    size_t bytes;
};
struct thumbnail_budget thumbnail_budget(size_t pictures, int most);

// The picture, which becomes smaller and sRGB of 8 bits, as "data:image/jpeg;base64,..." of at most so many bytes before base64. malloc'ed.
enum status thumbnail_make(struct image *image, const struct thumbnail_budget *budget, char **uri) MUST_CHECK;
