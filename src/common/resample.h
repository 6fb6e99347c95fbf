// SPDX-License-Identifier: MIT
// Resampling of float planes with a separable Lanczos-3 filter, antialiased when shrinking (the filter is stretched by the ratio).
// Pixel centres lie at (i + 0.5); the border repeats. Weights are normalised to sum to 1, so a constant stays a constant.
#ifndef ONEIROS_COMMON_RESAMPLE_H
#define ONEIROS_COMMON_RESAMPLE_H

#include "common/status.h"

// in is (planes, in_height, in_width), out is (planes, out_height, out_width); they do not overlap. Not clipped: may overshoot.
// The same sizes copy exactly. Results do not depend on the number of threads.
enum status resample(const float *in, int planes, int in_width, int in_height, float *out, int out_width, int out_height) MUST_CHECK;

#endif
