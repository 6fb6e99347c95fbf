// SPDX-License-Identifier: MIT
// A dataset of the run file that grows at its end, and the rows that wait to be written there. Negative results: HDF5 refused, or no
// memory.
#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

struct run_series {
    char name[64];   // path in the file
    hid_t type;      // of a value, the same in memory and in the file
    hsize_t width;   // values a row; 0: one, and the dataset has one dimension
    size_t row_size; // bytes
    size_t chunk;    // rows that HDF5 reads and writes at a time
    size_t capacity; // rows that there is memory for: whole chunks
    size_t count;    // rows that wait
    char *rows;
};

// Text of `size` bytes, or H5T_VARIABLE, in UTF-8.
hid_t run_text_type(size_t size);

// Owns `type` from now on, also on failure; a negative one is a failure.
herr_t run_series_init(struct run_series *series, const char *name, hid_t type, hsize_t width, size_t chunk);

// Lets a further chunk of rows wait. False without memory for that: nothing has changed.
bool run_series_widen(struct run_series *series);

// Frees. A zeroed series is fine.
void run_series_destroy(struct run_series *series);

// Creates the empty dataset in a new file. Returns it open, for its attributes.
hid_t run_series_create(const struct run_series *series, hid_t file);

// Adds the rows that wait at the end; they still wait. They are in the file, for readers, before whatever is written later.
herr_t run_series_write(const struct run_series *series, hid_t file);

// Reads `count` rows from `first` on of the dataset of another file. Negative also where it is not like the series, or has fewer rows.
herr_t run_series_read(const struct run_series *series, hid_t file, hsize_t first, hsize_t count, void *rows);
// Rows of that dataset; negative where there is none.
hssize_t run_series_length(const struct run_series *series, hid_t file);
