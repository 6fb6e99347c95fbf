// SPDX-License-Identifier: MIT
// Where pictures are dreamed on: white all, black nothing, grey less. One mask for pictures of all sizes: it is stretched to each.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/picture/image.h"
#include "common/picture/tiling.h"
#include "common/system/status.h"

enum { MASK_FULL = 65535 };

struct mask {
    int width, height; // pixels; 0: there is none
    uint16_t *values;  // (height, width), 0..MASK_FULL
};

// The luma of a picture (Rec. 709, of its sRGB values); alpha does not matter. On failure *mask is zeroed.
enum status mask_create(struct mask *mask, const struct image *image) MUST_CHECK;

// Fades into black over `part` of the shorter side, on the side that is not black: what was black stays, nothing becomes lighter, and the
// border of the picture is no edge.
enum status mask_feather(struct mask *mask, double part) MUST_CHECK;

int mask_brightest(const struct mask *mask); // of its values

static inline size_t mask_count(const struct mask *mask)
{
    return (size_t)mask->width * (size_t)mask->height;
}

static inline double mask_bytes(const struct mask *mask)
{
    return (double)(mask_count(mask) * sizeof *mask->values);
}

// Rows of the mask stretched to width x height, (rows, width), 0..1, multiples of 1 / MASK_FULL. By a triangle as wide as a pixel of the
// coarser of both: nothing rings, and what is black, with all around it, is 0. A mask of that size is as it is.
enum status mask_rows(const struct mask *mask, int width, int height, struct span rows, float *factors) MUST_CHECK;

// Frees and zeroes. A zeroed mask is fine.
void mask_destroy(struct mask *mask);
