// SPDX-License-Identifier: MIT
// Likeness to a guide picture at one target: at each position the largest dot product of the activation with any feature vector of the
// guide (Mordvintsev, Olah, Tyka 2015). Its gradient there is that feature vector.
#ifndef ONEIROS_WORKER_GUIDE_H
#define ONEIROS_WORKER_GUIDE_H

#include "common/tiling.h"
#include "kernels/executor.h"

struct guide;

// From the guide's own activation.
enum status guide_create(struct guide **guide, const struct tensor *features) MUST_CHECK;
void guide_destroy(struct guide **guide);

// Finds the best match of every position of `a`, and sums them over the positions `at`.
enum status guide_match(struct guide *guide, const struct tensor *a, const struct rectangle *at, double *sum) MUST_CHECK;

// After guide_match() for a tensor of this size: gradient = scale * the best match, at every position.
void guide_gradient(const struct guide *guide, double scale, const struct tensor *gradient);

#endif
