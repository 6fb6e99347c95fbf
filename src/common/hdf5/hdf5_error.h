// SPDX-License-Identifier: MIT
// Why HDF5 refused, in the system's words where there are any. HDF5's own stack of errors is cleared by every later call, those of cleaning
// up too.
#pragma once

#include "common/system/status.h"

// Call it before a group of HDF5 calls: from now on the first reason that HDF5 gives on this thread is kept, and nothing is printed.
void hdf5_listen(void);

// The reason that was kept.
const char *hdf5_reason(void);

// STATUS_IO with "path: doing: " and that reason.
enum status hdf5_fail(const char *path, const char *doing) MUST_CHECK;
