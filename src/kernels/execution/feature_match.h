// SPDX-License-Identifier: MIT
// For each position of an activation, which of a guide picture's feature vectors matches it best: has the largest dot product with it. The
// guide's feature vectors are those of all positions of its own activation.
//
// The objective of the original DeepDream's guided dreams (Mordvintsev, Olah and Tyka, "dreaming with a guide image", 2015): the gradient
// at a position is the feature that matches it best. Results do not depend on the number of threads.
#pragma once

#include <stdint.h>

#include "common/system/status.h"
#include "kernels/execution/executor.h"

struct feature_match;

// From the guide's activation, of which it has a copy.
enum status feature_match_create(struct feature_match **match, const struct tensor *guide) MUST_CHECK;
void feature_match_destroy(struct feature_match **match);

// best and score, (height, width): argmax over q of a_p . f_q, the first of equals, and its value; they stay until the next call. The
// scores of 256 features at a time are in memory: (256, height, width) floats, kept for the next call.
enum status feature_match_find(struct feature_match *match, const struct tensor *a, const int32_t **best, const float **score) MUST_CHECK;

// After feature_match_find() for a tensor of this size: gradient_p = scale * f_best[p]
void feature_match_gather(const struct feature_match *match, float scale, const struct tensor *gradient);
