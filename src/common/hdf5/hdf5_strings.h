// SPDX-License-Identifier: MIT
// Lists of strings in HDF5 attributes of files that need not be trusted, and HDF5's reasons as text.
#pragma once

#include <hdf5.h>

#include "common/system/status.h"

enum { HDF5_STRING_MAX = 512, HDF5_STRINGS_MAX = 4096 };

struct hdf5_strings {
    size_t count;
    char (*items)[HDF5_STRING_MAX]; // each ends in NUL
};

// A scalar or one-dimensional attribute of strings of one length. Longer strings, more strings, strings of variable length, other types and
// a missing attribute are refused with the attribute's name. An empty list is fine.
enum status hdf5_read_strings(hid_t object, const char *attribute, struct hdf5_strings *strings) MUST_CHECK;
void hdf5_free_strings(struct hdf5_strings *strings);

// Why the HDF5 call just before failed, in the words of its innermost function. Kept per thread until the next call.
const char *hdf5_reason(void);
