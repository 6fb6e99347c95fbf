// SPDX-License-Identifier: MIT
// A class activation map, and any other map on the grid of a layer: coarse values, each standing for what lies around the middle of its
// receptive field, and how to look them up at the pixels of a picture.
#pragma once

#include <stdint.h>

#include "common/system/status.h"

// Where a layer's values lie on an octave. Plain bytes: it travels between ranks as it is.
struct heat_grid {
    int32_t width, height;  // values
    int32_t stride, centre; // value i stands for pixel centre + i * stride of the octave as the network saw it, both directions
    int32_t octave_width, octave_height; // pixels
    int32_t dy, dx;                      // the octave was rolled by this when the network saw it
};

struct heat {
    struct heat_grid grid;
    float *values; // (height, width)
};

// Allocates the values, contents undefined. On failure *heat is zeroed. A grid that makes no sense, or reaches farther than its octave, is
// refused.
enum status heat_create(struct heat *heat, const struct heat_grid *grid) MUST_CHECK;

// Frees and zeroes. A zeroed map is fine.
void heat_destroy(struct heat *heat);

// Divides the values, none negative, by the largest of them, which it returns; a map of zeros stays one.
float heat_normalise(struct heat *heat);

// Row `y` of the map enlarged to a picture of width x height that shows the whole octave, of whatever size: bilinear between the middles
// of the values' receptive fields, constant outside them; the roll undone. Where the roll has put two opposite borders of the octave side
// by side inside the picture, the last values and the first are neighbours, so that the seam does not show. out [width].
void heat_row(const struct heat *heat, int width, int height, int y, float *out);
