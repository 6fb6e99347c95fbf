// SPDX-License-Identifier: MIT
// What torch.save() writes: a zip of a pickle, data.pkl, and a file data/<key> for each tensor's values; before PyTorch 1.6, five pickles
// (a magic number, a version, facts of the machine, the object, the keys of its storages), then each storage's count and values.
//
// Source: PyTorch, torch/serialization.py.
#pragma once

#include <stdbool.h>

#include "weights/formats/stored_tensors.h"
#include "weights/formats/zip_file.h"

// Of a zip that outlives the tensors. To be freed also after a failure.
enum status torch_zip_read(const struct zip_file *zip, struct stored_tensors *tensors) MUST_CHECK;

// Whether a file that begins so is one of the older kind; the same of such a file in memory.
bool torch_legacy_begins(const unsigned char *bytes, size_t size);
enum status torch_legacy_read(const unsigned char *bytes, size_t size, struct stored_tensors *tensors) MUST_CHECK;
