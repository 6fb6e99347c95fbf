// SPDX-License-Identifier: MIT
// A dataset of the run file that grows at its end, and the rows that wait to be written there. Negative results: HDF5 refused, or no
// memory.
#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

#include "runfile/run_tables.h"

struct run_series {
    enum run_dataset dataset;
    char name[RUN_NAME_MAX]; // path in the file
    hid_t type;              // of a value, the same in memory and in the file
    hsize_t width;           // values a row; 0: one, and the dataset has one dimension
    size_t row_size;         // bytes
    size_t chunk;            // rows that HDF5 reads and writes at a time
    size_t capacity;         // rows that there is memory for: whole chunks
    size_t count;            // rows that wait
    char *rows;
};

// How files are opened that have such datasets: without locks, in the format of HDF5 1.10, which SWMR needs also under later libraries.
// Close it; negative on failure.
hid_t run_series_access(void);

// Of a target that there is not: a zeroed one, of which nothing is created.
herr_t run_series_init(struct run_series *series, enum run_dataset dataset, const struct run_file_header *header);

// Lets a quarter more rows wait, in whole chunks, at least one. False without memory for that: nothing has changed.
bool run_series_widen(struct run_series *series);

// Frees. A zeroed series is fine.
void run_series_destroy(struct run_series *series);

// Creates the empty dataset in a new file, with its attributes.
herr_t run_series_create(const struct run_series *series, hid_t file, const struct run_file_header *header);

// Adds the rows that wait at the end; they still wait. They are in the file, for readers, before whatever is written later.
herr_t run_series_write(const struct run_series *series, hid_t file);
