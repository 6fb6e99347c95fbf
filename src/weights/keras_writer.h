// SPDX-License-Identifier: MIT
// Writes the weights of the network as a Keras HDF5 file, as h5py and Keras read it.
#pragma once

#include "weights/keras_layout.h"

// `values` holds one entry a convolution, in creation order. `source` names origin and licence (root attribute oneiros_source).
// Complete or absent; the same values and source give the same bytes.
enum status keras_write(const char *path, const struct network *network, const struct keras_values *values, const char *source) MUST_CHECK;
