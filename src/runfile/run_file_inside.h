// SPDX-License-Identifier: MIT
// What the parts of run_file.h share: private to run_file.c and run_carry.c.
#pragma once

#include <hdf5.h>

#include "common/system/file.h"
#include "runfile/run_file.h"
#include "runfile/run_layout.h"

struct run_file {
    char path[FILE_PATH_MAX];
    struct run_layout layout;
    int64_t cam_values;      // handed in so far
    double started, written; // seconds of the monotonic clock
    bool broken;             // HDF5 failed in the midst of a write
    bool lost;               // there was no memory for some rows that had to wait
    int64_t *gaps;           // images to which some of them belong, and whose own row is still to come
    size_t gap_count;
};

// How run files are opened. Close with H5Pclose; negative on failure.
hid_t run_file_access(void);

// A run file to be read, also of a run that goes on, or that was killed in the midst of a write and has left it marked as being written:
// what is torn is not read again and again. Close with H5Fclose; negative on failure, hdf5_fail() knows why.
hid_t run_file_open(const char *path);

// Room for another row. When a chunk is full all is written; while the disk has no room for that, rows wait, and each further chunk of them
// is another try.
bool run_file_make_room(struct run_file *file, struct run_series *series);

// A row of an image, or of none (-1), found no room: returns STATUS_IO and remembers it.
enum status run_file_lose_row(struct run_file *file, int64_t image) MUST_CHECK;

enum status run_file_add_cam_values(struct run_file *file, const float *values, size_t count, int64_t image) MUST_CHECK;

// Writes what waits.
enum status run_file_write(struct run_file *file, bool complete) MUST_CHECK;

// Adds what is to be kept of an earlier file, and writes it.
enum status run_file_carry(struct run_file *file, const struct run_earlier *earlier) MUST_CHECK;
