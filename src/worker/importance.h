// SPDX-License-Identifier: MIT
// How much each channel of a target counts for the loss.
#ifndef ONEIROS_WORKER_IMPORTANCE_H
#define ONEIROS_WORKER_IMPORTANCE_H

#include "worker/features.h"

// Collective. Activation times gradient: the mean over positions of A_c * d loss / d A_c. importance [channels], the same on every member.
// The features hold the target's gradient.
enum status importance_gradient_activation(const struct features *features, int target, float *importance) MUST_CHECK;

// weights[c] = (1 - strength) + strength * channels * max(importance_c, 0) / sum of these: their mean is 1. All 1 where none is positive.
void importance_weights(const float *importance, int channels, double strength, float *weights);

#endif
