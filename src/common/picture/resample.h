// SPDX-License-Identifier: MIT
// Resampling of float planes with a separable Lanczos-3 filter, antialiased when shrinking (the filter is stretched by the ratio).
// Pixel centres lie at (i + 0.5); the border repeats. Weights are normalised to sum to 1, so a constant stays a constant.
// Results are not clipped: they may overshoot. They depend neither on the number of threads nor on how rows are split over calls.
#pragma once

#include <stdint.h>

#include "common/picture/tiling.h"
#include "common/system/status.h"

// in is (planes, in_height, in_width), out is (planes, out_height, out_width); they do not overlap. The same sizes copy exactly.
enum status resample(const float *in, int planes, int in_width, int in_height, float *out, int out_width, int out_height) MUST_CHECK;

// The two passes of which it consists, for those who hold some of the rows only: first along x, then along y.
// in is (rows, in_width), out is (rows, out_width).
enum status resample_across(const float *in, int64_t rows, int in_width, float *out, int out_width) MUST_CHECK;

// in is (planes, in_rows, width): those rows of in_height; out is (planes, out_rows, width): those of out_height. in_rows contains
// resample_reach() of out_rows.
enum status resample_down(const float *in, struct span in_rows, int planes, int width, int in_height, float *out, struct span out_rows,
                          int out_height) MUST_CHECK;

// The rows of in_height that `out_rows` of out_height are made from; empty for none.
struct span resample_reach(int in_height, int out_height, struct span out_rows);
