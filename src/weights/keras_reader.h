// SPDX-License-Identifier: MIT
// Reads the weights of the network from a Keras HDF5 file: of Keras 1 and 2, which name layers and weights in attributes, or of Keras 3.
//
// Keras 3 (.weights.h5, and model.weights.h5 in a .keras file) has the group layers/<class of the layer, conv2d>[_<number>]/vars for each
// layer, in which the datasets 0, 1, ... are its weights in the order of their creation. Numbers count the layers of one class in the order
// of Model.layers, whatever their names: keras_depth_order(). TensorFlow 2.13 has _layer_checkpoint_dependencies for layers; a network
// inside another model lies in layers/functional/layers. (keras/src/saving/saving_lib.py: _save_state, _save_container_state, H5Entry.)
// Nothing that the file says is trusted, but HDF5 itself is, and 1.10 reads beyond
// its buffers where bytes were damaged on purpose: a file from anywhere is only as safe as that.
//
// Opening checks everything but the values: every layer is there, each weight has its shape, is float32, lies in this file (no soft
// or external link, no external storage, no virtual dataset) and was written. Errors name the layer.
#pragma once

#include "weights/keras_layout.h"

struct keras_reader;

enum status keras_open(struct keras_reader **reader, const char *path, const struct network *network) MUST_CHECK;
// Of a file in memory, which is copied.
enum status keras_open_bytes(struct keras_reader **reader, const void *bytes, size_t size, const struct network *network) MUST_CHECK;
void keras_close(struct keras_reader **reader);

// `values` holds keras_count() of the part's shape. Values that are not finite and negative variances are refused.
enum status keras_read(struct keras_reader *reader, int conv, enum keras_part part, float *values) MUST_CHECK;

// The classes of the file's classifier; 0: it has none.
int keras_classes(const struct keras_reader *reader);

// `values` holds keras_count() of the part's shape for that many classes. Only where there is a classifier.
enum status keras_read_top(struct keras_reader *reader, enum keras_top_part part, float *values) MUST_CHECK;

// Everything, into a zeroed model; to be freed also after a failure.
enum status keras_read_model(struct keras_reader *reader, struct keras_model *model) MUST_CHECK;

// The root attribute oneiros_source in printable ASCII; empty where there is none. Lives as long as the reader.
const char *keras_source(const struct keras_reader *reader);
