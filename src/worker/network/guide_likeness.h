// SPDX-License-Identifier: MIT
// Likeness to a guide picture at one target: at each position the largest dot product of the activation with any feature vector of the
// guide (Mordvintsev, Olah, Tyka 2015). Its gradient there is that feature vector.
#pragma once

#include "common/picture/tiling.h"
#include "kernels/execution/executor.h"

struct guide_likeness;

// From the guide's own activation.
enum status guide_likeness_create(struct guide_likeness **guide, const struct tensor *features) MUST_CHECK;
void guide_likeness_destroy(struct guide_likeness **guide);

// Finds the best match of every position of `a`, and sums them over the positions `at`.
enum status guide_likeness_match(struct guide_likeness *guide, const struct tensor *a, const struct rectangle *at, double *sum) MUST_CHECK;

// After guide_likeness_match() for a tensor of this size: gradient = scale * the best match, at every position.
void guide_likeness_gradient(const struct guide_likeness *guide, double scale, const struct tensor *gradient);
