// SPDX-License-Identifier: MIT
// InceptionV3 as a TensorFlow.js layers model -> the Keras HDF5 file that the rest of the program reads.
//
// Format: https://github.com/tensorflow/tfjs/tree/master/tfjs-converter (model.json, weightsManifest, binary shards).
#pragma once

#include "common/system/status.h"

// `folder` holds model.json and the shards that its manifest names, or the same wrapped as JavaScript modules: model.min.js and
// <shard>.min.js. Weights may be float32, or quantised to uint8, uint16 (value = q * scale + min) or float16. Layers other than the
// network's own (the head) are left out. `source_text` names origin and licence. `out_path` is complete or absent, and the same for
// the same input.
enum status tfjs_import(const char *folder, const char *source_text, const char *out_path) MUST_CHECK;
