// SPDX-License-Identifier: MIT
// A file of trained weights of whatever kind, told by how it begins: Keras's HDF5 files, .keras, PyTorch's .pth, .safetensors; and what
// `oneiros model import` makes of it.
#pragma once

#include <stdbool.h>

#include "weights/keras_layout.h"

// What is taken, for messages.
#define MODEL_FILE_KINDS                                                                                                                   \
    "weights are taken from Keras's .h5, .weights.h5 and .keras, PyTorch's .pth and .safetensors; `oneiros model import` takes the "       \
    "folder of a TensorFlow.js model, too"

// Needs a zeroed model; to be freed also after a failure. Messages begin with the path.
enum status model_file_read(const char *path, const struct network *network, struct keras_model *model) MUST_CHECK;

struct model_import {
    const char *source;  // origin and licence; NULL: what the file says, or else its name
    const char *classes; // file of the classes' names; NULL: those that the file has
    bool normalised;     // it was trained on pictures less ImageNet's mean, by their deviation, and not on -1..1
};

// Writes it as a Keras file, complete or absent; the same input gives the same bytes. Says what it was.
enum status model_file_import(const char *path, const struct model_import *import, const char *out_path) MUST_CHECK;
