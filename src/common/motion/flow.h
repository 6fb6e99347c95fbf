// SPDX-License-Identifier: MIT
// Optical flow: where each pixel of a frame was in another one, by dense inverse search (Kroeger, Timofte, Dai, Van Gool: "Fast optical
// flow using dense inverse search", ECCV 2016) from coarse to fine, each level refined (flow_refine.h).
//
// It differs from the paper in how a patch begins: at the best of what the coarser level found at its place and beside it, and no motion;
// and all patches ask, once they are found, those beside them. None waits for another: the flow is the same for any number of threads.
#pragma once

#include "common/system/status.h"

// (height, width) each: pixel (x, y) of the frame lies at (x + right, y + down) of the other.
struct flow {
    int width, height;
    float *right, *down; // pixels; one allocation, which `right` is
};

enum { FLOW_MIN_SIDE = 16 }; // pixels

// Zeroed flow of no motion. On failure *flow is zeroed.
enum status flow_create(struct flow *flow, int width, int height) MUST_CHECK;
void flow_destroy(struct flow *flow); // and zeroes it

// From `frame` to `other`, both (height, width) of luminance in 0..255. Sides are at least FLOW_MIN_SIDE. On failure *flow is zeroed.
enum status flow_find(struct flow *flow, const float *frame, const float *other, int width, int height) MUST_CHECK;

// Value of a plane at a place between pixels, linearly; the border repeats. Places are finite.
static inline float flow_sample(const float *plane, int width, int height, float x, float y)
{
    x = x < 0 ? 0 : x > (float)(width - 1) ? (float)(width - 1) : x;
    y = y < 0 ? 0 : y > (float)(height - 1) ? (float)(height - 1) : y;
    const int left = (int)x, above = (int)y, right = left + 1 < width ? left + 1 : left, below = above + 1 < height ? above + 1 : above;
    const float u = x - (float)left, v = y - (float)above;
    const float *first = plane + (long)above * width, *second = plane + (long)below * width;
    return (1 - v) * ((1 - u) * first[left] + u * first[right]) + v * ((1 - u) * second[left] + u * second[right]);
}
