// SPDX-License-Identifier: MIT
// How what was dreamed on a frame moves on to the next one: where each of its pixels was in the frame before, and how far that is to be
// believed. Known on a grid that may be coarser than the picture.
#pragma once

#include <stdbool.h>

#include "common/motion/flow.h"
#include "common/picture/tiling.h"

struct field {
    struct flow flow; // from the frame to the one before it, pixels of the grid
    float *trust;     // (height, width) of the flow's size, 0..1
    double trusted;   // its mean
    bool cut;         // the frame shows nothing of the one before: trust is 0
};

enum { FIELD_MARGIN = 4 }; // rows beyond a place that its value is made from

// By optical flow, there and back (N. Sundaram, T. Brox, K. Keutzer: "Dense point trajectories by GPU-accelerated large displacement
// optical flow", ECCV 2010): a pixel is believed where both agree. `frame` and `before`: (height, width) of luminance, 0..255. On failure
// *field is zeroed.
enum status field_find(struct field *field, const float *frame, const float *before, int width, int height) MUST_CHECK;

// What is seen of a picture of width x height `scale` times as large and turned by `degrees`, counterclockwise, about a point, in pixels.
// Believed everywhere.
enum status field_similarity(struct field *field, int width, int height, double scale, double degrees, double x, double y) MUST_CHECK;

void field_destroy(struct field *field); // and zeroes it

// The rows of a picture of this size that field_move() reads for `rows`; empty for none.
struct span field_reach(const struct field *field, int width, int height, struct span rows);

// out (planes, rows, width) = strength * trust * in, moved; in (planes, in_rows, width), which contains field_reach() of `rows`, both of a
// picture of width x height. By Lanczos-3; where the motion is of whole pixels, exactly. It depends neither on threads nor on how rows are
// split over calls.
void field_move(const struct field *field, const float *in, struct span in_rows, int planes, int width, int height, float *out,
                struct span rows, float strength);

// Mean |frame - before, moved| over (height, width) of the field's size, each pixel counting by its trust; NaN where nothing is trusted.
double field_error(const struct field *field, const float *frame, const float *before);
