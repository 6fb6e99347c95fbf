// SPDX-License-Identifier: MIT
// Whether what an HDF5 file that may not be ours has of a dataset can be read at all. HDF5 1.10 does not look: where a chunk unpacks to
// less than its size it takes whatever lies behind in memory, and where it unpacks to more it fetches memory until all of it is there.
#pragma once

#include <hdf5.h>

#include "common/system/status.h"

// Call it before H5Dread(). All values are there, in the file itself, in chunks that can be held in memory, each packed at most by one
// deflate, shuffle and fletcher32, and each of them unpacks to its size, no byte more or less. `rank`: at most HDF5_RANK_MAX.
enum status hdf5_storage_check(hid_t dataset, int rank, const hsize_t *dims) MUST_CHECK;
