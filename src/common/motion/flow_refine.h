// SPDX-License-Identifier: MIT
// What is left of a flow's error, by minimising an energy: brightness and gradient stay the same along the motion, and motion changes
// little from pixel to pixel, each by a robust norm (Brox, Bruhn, Papenberg, Weickert: "High accuracy optical flow estimation based on a
// theory for warping", ECCV 2004; data terms normalised by the gradient as by Zimmer, Bruhn, Weickert, IJCV 2011).
#pragma once

#include "common/motion/flow.h"

// `frame` and `other` (height, width) of the flow's size, 0..255.
enum status flow_refine(struct flow *flow, const float *frame, const float *other) MUST_CHECK;

// Central differences, (height, width) each, x and y; the border repeats.
void flow_gradient(const float *plane, int width, int height, float *across, float *along);
