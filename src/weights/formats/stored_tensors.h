// SPDX-License-Identifier: MIT
// Tensors by name as PyTorch's files hold them: bytes of some type, anyhow laid out.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/system/status.h"
#include "weights/formats/class_names.h"

enum stored_type { STORED_F32, STORED_F64, STORED_F16, STORED_BF16, STORED_OTHER };
enum { STORED_RANK_MAX = 4, STORED_NAME_MAX = 128, STORED_TENSORS_MAX = 8192 };

struct stored_tensor {
    char name[STORED_NAME_MAX];
    enum stored_type type;                                    // little-endian; STORED_OTHER: nothing that can be read
    int rank;                                                 // -1: more dimensions than STORED_RANK_MAX
    uint64_t dims[STORED_RANK_MAX], strides[STORED_RANK_MAX]; // strides in values
    const unsigned char *bytes;                               // of the first value; all others lie within the file, too
};

struct stored_tensors {
    size_t count;
    struct stored_tensor *items;
    struct class_names *classes; // that the file names; NULL: it names none
};

void stored_tensors_free(struct stored_tensors *tensors);

// NULL: none of this name.
const struct stored_tensor *stored_tensors_find(const struct stored_tensors *tensors, const char *name);

// Bytes of a value; of STORED_OTHER 1.
size_t stored_type_size(enum stored_type type);

// Whether `size` bytes hold all that its shape and strides reach from their value number `first` on. A float type and a rank that is known.
enum status stored_tensor_check(const struct stored_tensor *tensor, uint64_t first, uint64_t size) MUST_CHECK;

// All values, the last dimension fastest, as float32.
void stored_tensor_read(const struct stored_tensor *tensor, float *values);
