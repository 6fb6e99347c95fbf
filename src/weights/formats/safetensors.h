// SPDX-License-Identifier: MIT
// Hugging Face's safetensors: the length of a JSON header (8 bytes, little-endian), the header, the tensors' bytes.
//
// Format: https://github.com/huggingface/safetensors, README "Format". Names of classes: an entry `classes` of the header's __metadata__,
// as class_names_parse() takes it.
#pragma once

#include <stdbool.h>

#include "weights/formats/stored_tensors.h"

// Whether a file that begins so may be one.
bool safetensors_begins(const unsigned char *bytes, size_t size);

// Of a whole file in memory, which outlives the tensors. Tensors that overlap, leave holes, reach beyond the file or do not have the bytes
// of their shape are refused. To be freed also after a failure.
enum status safetensors_read(const void *bytes, size_t size, struct stored_tensors *tensors) MUST_CHECK;
