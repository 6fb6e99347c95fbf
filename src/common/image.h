// SPDX-License-Identifier: MIT
// One picture in memory: float32 RGB, planar, in [-1, 1], and what its file needs to be written back the way it came.
#ifndef ONEIROS_COMMON_IMAGE_H
#define ONEIROS_COMMON_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "common/status.h"

enum image_format { IMAGE_FORMAT_PNG, IMAGE_FORMAT_TIFF, IMAGE_FORMAT_OTHER };

struct image {
    int width, height;        // pixels, each >= 1
    float *rgb;               // (3, height, width), sample / max * 2 - 1
    uint16_t *alpha;          // (height, width), the file's own samples of `bits` bits; NULL if the file has none
    int bits;                 // bits a sample in the file: 8 or 16
    enum image_format format; // what the file was
};

// Limits that hold before anything is allocated. Both are inclusive.
struct image_limits {
    int side;        // pixels along one side
    uint64_t pixels; // width * height
};

// Allocates rgb (contents undefined), no alpha; bits 8, format OTHER. On failure *image is zeroed.
enum status image_create(struct image *image, int width, int height) MUST_CHECK;

// Frees what the image owns and zeroes it. A zeroed image is fine.
void image_destroy(struct image *image);

#endif
