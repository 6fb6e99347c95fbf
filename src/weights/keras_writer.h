// SPDX-License-Identifier: MIT
// Writes the weights of the network as a Keras HDF5 file, as h5py and Keras read it.
#pragma once

#include "weights/keras_layout.h"

// Beside the weights: root attributes oneiros_source (origin and licence) and, where average pools count their padding,
// oneiros_count_padding (1), where they were made for pictures of -1..1, oneiros_input_imagenet (1); where classes have names, the root's
// dataset oneiros_classes. Complete or absent; the same model gives the same bytes.
enum status keras_write(const char *path, const struct network *network, const struct keras_model *model) MUST_CHECK;
