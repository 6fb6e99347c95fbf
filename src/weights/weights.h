// SPDX-License-Identifier: MIT
// The trained weights: read from a Keras HDF5 file, checked against the network table, batch normalisation folded in.
//
// Folding: kernel' = kernel / sqrt(var + 1e-3), bias = beta - mean / sqrt(var + 1e-3).
//
// The folded weights are the flat array of kernels/network/parameters.h.
#pragma once

#include <stdint.h>

#include "common/system/status.h"
#include "kernels/network/network.h"

// Where the file comes from, for provenance. Plain bytes: may be sent between ranks as it is.
struct weights_info {
    char path[4096];
    char source[512]; // root attribute `oneiros_source`, or the official file known by its MD5, or "unknown"
    char md5[33];     // of the whole file, lower-case hex
    uint64_t bytes;   // of the file
    int classes;      // of the classifier, the layer `predictions`; 0: the file holds none
};

// Reads and folds the file into `weights` (parameters_count floats) and fills *info (may be NULL). A file that is truncated, of another
// network, wrong in a shape or type, that has values that are not finite, or that links outside itself is refused with the layer's name.
enum status weights_read(const char *path, const struct network *network, float *weights, struct weights_info *info) MUST_CHECK;
