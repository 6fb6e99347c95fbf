// SPDX-License-Identifier: MIT
// How run files are opened.
#pragma once

#include <hdf5.h>

// For whoever creates or writes one: without locks, in the format of HDF5 1.10, which SWMR needs also under later libraries. Close it;
// negative on failure.
hid_t run_access_list(void);

// To be read, also a run file of a run that goes on, or that was killed in the midst of a write and has left it marked as being written:
// what is torn is not read again and again. Close it; negative on failure, hdf5_fail() knows why.
hid_t run_access_open(const char *path);
