// SPDX-License-Identifier: MIT
// The pickle in a PyTorch file, without running any of it: a state dict is strings, numbers, tuples, lists, dicts and calls of two
// functions that make tensors. The opcodes of these are understood, and the values that they make; any other opcode, and any other name
// that is to be imported or called, is refused by its name. Stack, memo and values are bounded, and nothing recurses.
//
// Source: Python's pickletools.py (opcodes); PyTorch's torch/serialization.py and torch/_utils.py (_rebuild_tensor_v2).
#pragma once

#include "weights/formats/stored_tensors.h"

// A tensor, and where its values lie.
struct pickle_tensor {
    struct stored_tensor tensor; // its bytes are left NULL
    char storage[64];            // the key of the storage: the entry data/<key> of the file
    uint64_t first;              // its first value in there
    uint64_t storage_values, storage_bytes;
};

struct pickle_tensors {
    size_t count;
    struct pickle_tensor *items;
    struct class_names *classes; // a list `classes` beside them; NULL: there is none
};

enum { PICKLE_KEYS_MAX = 4096 }; // InceptionV3 has 500 storages

enum pickle_wanted {
    PICKLE_TENSORS, // those that the state dict has by name: that of the pickle, or of the first dict in it that holds any, as
                    // {"state_dict": ...}
    PICKLE_KEYS,    // a list of at most PICKLE_KEYS_MAX texts: items[].storage
    PICKLE_NOTHING, // only where it ends
};

// Reads one pickle, and says in *used how many bytes it has. To be freed also after a failure. STATUS_UNSUPPORTED: it asks for something
// else than tensors. `bytes` may be freed afterwards.
enum status pickle_read(const void *bytes, size_t size, enum pickle_wanted wanted, struct pickle_tensors *tensors, size_t *used) MUST_CHECK;
void pickle_free(struct pickle_tensors *tensors);
