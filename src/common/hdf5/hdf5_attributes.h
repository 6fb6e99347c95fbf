// SPDX-License-Identifier: MIT
// Attributes of HDF5's objects: numbers and text. What is read may be nonsense in a file that is not ours: it is checked before it is
// believed, and read with limits.
#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/system/status.h"

// The type of text of `size` bytes, or H5T_VARIABLE, in UTF-8. Close it; negative on failure.
hid_t hdf5_text_type(size_t size);

// Each adds an attribute. Text has variable length, so that readers get it as text: a scalar, in which bytes that are not UTF-8 become '?',
// or an array. A number of a native type is a scalar, and replaces the one that is there.
herr_t hdf5_add_text(hid_t object, const char *name, const char *text);
herr_t hdf5_add_texts(hid_t object, const char *name, const char *const *texts, size_t count);
// Of one length, `size` bytes each, filled up with zeros, `count` in a row at `bytes`: what files are read by that may not be ours.
herr_t hdf5_add_fixed_texts(hid_t object, const char *name, const char *bytes, size_t size, size_t count);
herr_t hdf5_add_integers(hid_t object, const char *name, const int *values, size_t count);
herr_t hdf5_set_number(hid_t object, const char *name, hid_t type, const void *value);
herr_t hdf5_set_integer(hid_t object, const char *name, int value);

// Exactly `count` numbers, as values of a native type. False: there are none.
bool hdf5_read_numbers(hid_t object, const char *name, hid_t type, size_t count, void *values);

struct hdf5_texts {
    size_t count;
    char **items; // [count], each and the list malloc'ed; well-formed UTF-8
};

struct hdf5_limits {
    size_t count, bytes; // of texts, and of the longest without its NUL
    // Of variable length; or all of one, as Keras writes them. Only of files that are ours: these lie in the file's global heap, and HDF5
    // 1.10 reads a damaged one for ever.
    bool variable;
};

// A scalar or a list. STATUS_FORMAT: there is no such attribute, or something else has its name. An empty list of whatever type is fine:
// h5py writes [] as float64. On failure *texts is zeroed.
enum status hdf5_read_texts(hid_t object, const char *name, const struct hdf5_limits *limits, struct hdf5_texts *texts) MUST_CHECK;
void hdf5_free_texts(struct hdf5_texts *texts);

// One text of variable length and of at most so many bytes, malloc'ed. NULL: there is none.
char *hdf5_read_text(hid_t object, const char *name, size_t bytes);
