// SPDX-License-Identifier: MIT
// For each position of an activation, which of a guide image's feature vectors matches it best: has the largest dot product with it.
//
// The objective of the original DeepDream's guided dreams (Mordvintsev, Olah and Tyka, "dreaming with a guide image", 2015): the gradient
// at a position is the feature that matches it best. Results do not depend on the number of threads.
#pragma once

#include <stdint.h>

#include "common/system/status.h"
#include "kernels/execution/executor.h"

struct feature_match;

// `features` is (count, channels), channels a multiple of onednn_block(); copied. Takes twice their memory.
enum status feature_match_create(struct feature_match **match, const float *features, int count, int channels) MUST_CHECK;
void feature_match_destroy(struct feature_match **match);

// best and score, (height, width): argmax over q of a_p . f_q, the first of equals, and its value. The scores of 256 features at a time
// are in memory: (256, height, width) floats, kept for the next call.
enum status feature_match_find(struct feature_match *match, const struct tensor *a, int32_t *best, float *score) MUST_CHECK;

// gradient_p = scale * f_best[p]
void feature_match_gather(const struct feature_match *match, const int32_t *best, float scale, const struct tensor *gradient);
