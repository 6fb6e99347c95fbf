// SPDX-License-Identifier: MIT
// The weights of a convolution in the layouts that the loops of simd.h read.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "kernels/simd/simd.h"

// Weights (out, in, kernel_h, kernel_w), in and out multiples of `lanes` except where said.
struct panels_source {
    const float *weights;
    int out, in, kernel_h, kernel_w;
};

// The taps of each phase of a direct convolution of this stride and padding, forward or backward (in and out are then those of the backward
// operation: `weights` has been transposed, but not turned), without weights. `height` and `width`: of the result. Returns how many phases.
int panels_phases(struct simd_phase *phases, int kernel_h, int kernel_w, int stride, int pad_h, int pad_w, bool backward, int height,
                  int width);

// The panels of all phases, which follow each other, and how long they are. `out` may be 3 (padded with zeros to a block) and so may `in`
// (the planes of the image). `pairs`: in bfloat16, two input channels side by side for each output, (..., input channels / 2, 2 * lanes,
// 2); `in` is even.
size_t panels_direct_bytes(const struct panels_source *source, int lanes, bool pairs);
void panels_direct(const struct panels_source *source, const struct simd_phase *phases, int phase_count, int lanes, bool pairs,
                   void *panels);

// simd_winograd: n inputs a tile; the source is already turned where it is to be.
size_t panels_winograd_bytes(const struct panels_source *source, int n);
void panels_winograd(const struct panels_source *source, int n, int lanes, float *panels);
