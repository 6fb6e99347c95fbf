// SPDX-License-Identifier: MIT
// The trained weights: read from a Keras HDF5 file, checked against the network table, batch normalisation folded in.
//
// Folding: kernel' = kernel / sqrt(var + 1e-3), bias = beta - mean / sqrt(var + 1e-3).
//
// The folded weights are one flat array of floats, so that it can lie in memory that the ranks of a node share: for each convolution
// in creation order its kernel (out, in, kernel_h, kernel_w), then its bias (out); at the end the classifier's kernel and bias, with room
// for NETWORK_CLASSES_MAX classes, zeros where the file has fewer or no classifier.
#ifndef ONEIROS_KERNELS_WEIGHTS_H
#define ONEIROS_KERNELS_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "common/status.h"
#include "kernels/network.h"

// Where the file comes from, for provenance. Plain bytes: may be sent between ranks as it is.
struct weights_info {
    char path[4096];
    char source[512]; // root attribute `oneiros_source`, or the official file known by its MD5, or "unknown"
    char md5[33];     // of the whole file, lower-case hex
    uint64_t bytes;   // of the file
    int classes;      // of the classifier, the layer `predictions`; 0: the file holds none
};

// Floats in the flat array.
size_t weights_count(const struct network *network);

// Views into a flat array for the convolution with number `conv`.
const float *weights_kernel(const struct network *network, const float *weights, int conv); // (out, in, kernel_h, kernel_w)
const float *weights_bias(const struct network *network, const float *weights, int conv);   // (out)

// The classifier on the features, the mean of each channel of the network's last layer: logit = kernel . features + bias.
const float *weights_top_kernel(const struct network *network, const float *weights); // (NETWORK_CLASSES_MAX, features)
const float *weights_top_bias(const struct network *network, const float *weights);   // (NETWORK_CLASSES_MAX)

// Reads and folds the file into `weights` (weights_count floats) and fills *info (may be NULL). A file that is truncated, of another
// network, wrong in a shape or type, that has values that are not finite, or that links outside itself is refused with the layer's name.
enum status weights_read(const char *path, const struct network *network, float *weights, struct weights_info *info) MUST_CHECK;

#endif
