// SPDX-License-Identifier: MIT
// One picture in memory: float32 RGB, planar, in [-1, 1], and what its file needs to be written back the way it came.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/system/status.h"

enum image_format { IMAGE_FORMAT_PNG, IMAGE_FORMAT_TIFF, IMAGE_FORMAT_JPEG, IMAGE_FORMAT_OTHER };

// What the user should know of how a picture is read and written; of a set each kind is said once (coordinator/progress/notices.h).
enum image_notice {
    NOTICE_PAGES,     // more than the first
    NOTICE_PROFILE,   // of ICC
    NOTICE_INKS,      // CMYK
    NOTICE_CLIPPED,   // floats
    NOTICE_ALPHA,     // in a format without
    NOTICE_OCTAVES,   // fewer than asked for
    NOTICE_BASELINES, // none of those asked for
    NOTICE_SILENT,    // a target
    NOTICE_SAME,      // bytes as another's
    NOTICE_KINDS
};

enum { IMAGE_NOTICE_MAX = 512 };

struct image {
    int width, height;             // pixels, each >= 1
    float *rgb;                    // (3, height, width), sample / max * 2 - 1, sRGB
    uint16_t *alpha;               // (height, width), the file's own samples of 8 or 16 bits; NULL if the file has none
    uint16_t *black;               // (height, width), as alpha: of CMYK, until it is RGB; NULL
    int bits;                      // bits a sample in the file: 8, 16, or 32 for floats, whose alpha is kept in 16
    enum image_format format;      // what the file was
    uint8_t *icc;                  // ICC profile of RGB that the picture came in and goes out in, malloc'ed; NULL: sRGB
    size_t icc_size;               // bytes
    unsigned notices;              // a bit for each kind
    char notice[IMAGE_NOTICE_MAX]; // in words; empty: nothing
};

// Limits that hold before anything is allocated. Both are inclusive.
struct image_limits {
    int side;        // pixels along one side
    uint64_t pixels; // width * height
};

// Allocates rgb (contents undefined), no alpha; bits 8, format OTHER. On failure *image is zeroed.
enum status image_create(struct image *image, int width, int height) MUST_CHECK;

// Takes over size, rgb and alpha of `by`, which is left zeroed. Everything else stays as it is.
void image_replace(struct image *image, struct image *by);

// Adds to the notice, behind a semicolon where there is one already.
void image_notice(struct image *image, enum image_notice kind, const char *format, ...) PRINTF_LIKE(3, 4);

// The largest sample of alpha.
static inline int image_alpha_max(const struct image *image)
{
    return image->bits == 8 ? 255 : 65535;
}

// Frees what the image owns and zeroes it. A zeroed image is fine.
void image_destroy(struct image *image);
