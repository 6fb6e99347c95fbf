// SPDX-License-Identifier: MIT
// HDF5's handles, its files beside the disk that they lie on, and why it refused: in the system's words where there are any. HDF5's own
// stack of errors is cleared by every later call, those of cleaning up too.
#pragma once

#include <hdf5.h>
#include <stdint.h>

#include "common/system/status.h"

// The type of a handle that is closed when its block is left, whatever it is of; 0 or a negative one is none. Who writes to a file or a
// dataset must know whether closing it went well, and closes by hand. Declare it before any jump to `out`.
#define HDF5_HANDLE __attribute__((cleanup(hdf5_close))) hid_t
void hdf5_close(hid_t *handle);

// At the start of a function that calls HDF5 while other threads may: until it returns, none is in another such function. HDF5 is not
// always built for threads, and where it is it lets one of them in at a time anyway.
#define HDF5_ALONE __attribute__((cleanup(hdf5_leave), unused)) const int hdf5_alone = hdf5_enter()
int hdf5_enter(void);
void hdf5_leave(const int *entered);

// How files are opened without locks, which parallel file systems often refuse and which would shut readers out. Close it; negative on
// failure.
hid_t hdf5_unlocked(void);

// Makes sure that the disk has room for `bytes` more before HDF5 is in the midst of something; it cuts off on closing what it did not need.
// 0, or an errno: nothing is set aside.
int hdf5_set_space_aside(const char *path, uint64_t bytes);

// From now on each write to the open file is on the disk before the next begins, so that a power cut, too, leaves what HDF5's order of
// writes promises. The file must be what `path` names.
herr_t hdf5_write_through(hid_t file, const char *path);

// Call it before a group of HDF5 calls: from now on the first reason that HDF5 gives on this thread is kept, and nothing is printed.
void hdf5_listen(void);

// The reason that was kept.
const char *hdf5_reason(void);

// STATUS_IO with "path: doing: " and that reason.
enum status hdf5_fail(const char *path, const char *doing) MUST_CHECK;
