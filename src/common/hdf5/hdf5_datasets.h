// SPDX-License-Identifier: MIT
// Datasets of HDF5's files that may not be ours: nothing outside the file is ever followed.
#pragma once

#include <hdf5.h>
#include <stdint.h>

#include "common/system/status.h"

enum { HDF5_RANK_MAX = 4 };

// Opens a regular file of at most so many bytes for reading, without locks: one that is complete and never changes. On failure *file is
// negative.
enum status hdf5_open_file(const char *path, int64_t bytes_max, hid_t *file) MUST_CHECK;

// The same of bytes that have been read already: what is read of them cannot change meanwhile.
enum status hdf5_open_bytes(const void *bytes, size_t size, hid_t *file) MUST_CHECK;

// Opens a/b/c below `from`, each step of which must be a hard link. On failure *object is negative.
enum status hdf5_open_inside(hid_t from, const char *path, H5I_type_t type, hid_t *object) MUST_CHECK;

// Whether its values are float32.
enum status hdf5_check_float(hid_t dataset) MUST_CHECK;
