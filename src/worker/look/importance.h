// SPDX-License-Identifier: MIT
// How much each channel of a target counts for the loss.
#pragma once

#include "worker/network/features.h"

// Collective. Activation times gradient: the mean over positions of A_c * d loss / d A_c. importance [channels], the same on every member.
// The features hold the target's gradient.
enum status importance_gradient_activation(const struct features *features, int target, float *importance) MUST_CHECK;

// weights[c] = base[c] * ((1 - strength) + strength * f_c), where f_c = max(s_c importance_c, 0), s_c the sign of base[c], in such a scale
// that its mean is 1 over the channels whose base is not 0; f_c = 1 where all would be 0. `weights` may be the importance's own place.
void importance_weights(const float *importance, const float *base, int channels, double strength, float *weights);
