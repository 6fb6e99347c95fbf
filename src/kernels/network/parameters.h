// SPDX-License-Identifier: MIT
// The network's trained weights as one flat array of floats, so that it can lie in memory that the ranks of a node share: for each
// convolution in creation order its kernel (out, in, kernel_h, kernel_w), then its bias (out), batch normalisation folded in; at the end
// the classifier's kernel and bias, with room for NETWORK_CLASSES_MAX classes, zeros where there are fewer or there is no classifier; then
// how the average pools of the network that it was trained in count.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/network/network.h"

// Floats in the array; in the classifier.
size_t parameters_count(const struct network *network);
size_t parameters_top_count(const struct network *network);

// Where the kernels of convolution number `conv`, or of the classifier, begin in it.
size_t parameters_kernel_start(const struct network *network, int conv);
size_t parameters_top_kernel_start(const struct network *network);

// Views into an array for the convolution with number `conv`.
const float *parameters_kernel(const struct network *network, const float *weights, int conv); // (out, in, kernel_h, kernel_w)
const float *parameters_bias(const struct network *network, const float *weights, int conv);   // (out)

// The classifier on the features, the mean of each channel of the network's last layer: logit = kernel . features + bias.
size_t parameters_features(const struct network *network);
const float *parameters_top_kernel(const struct network *network, const float *weights); // (NETWORK_CLASSES_MAX, features)
const float *parameters_top_bias(const struct network *network, const float *weights);   // (NETWORK_CLASSES_MAX)

// Kernels and biases of an untrained network of the same shape: normally distributed of variance 2 / fan-in, by the seed, and 0 (He et al.
// 2015, arXiv:1502.01852). The classifier and how the pools count stay.
void parameters_randomise(const struct network *network, uint64_t seed, float *weights);

// Whether average pools divide by 9 at the border too, the padding counted as zeros, as PyTorch does; Keras leaves it out of the average.
bool parameters_count_padding(const struct network *network, const float *weights);
void parameters_set_count_padding(const struct network *network, float *weights, bool counted);
