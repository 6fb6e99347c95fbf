// SPDX-License-Identifier: MIT
// The tables of the run file as HDF5 datasets: which columns, which types, which units.
#ifndef ONEIROS_COORDINATOR_RUN_TABLES_H
#define ONEIROS_COORDINATOR_RUN_TABLES_H

#include <hdf5.h>
#include <stddef.h>

#include "common/config.h"

// In the order in which rows that wait are written: whoever sees an image's row sees its steps.
enum run_table { RUN_TABLE_STEPS, RUN_TABLE_IMAGES, RUN_TABLE_TIMING, RUN_TABLE_COUNT };

const char *run_table_name(enum run_table table); // "steps", "images", "timing"

// Bytes of a row as it lies in memory: of struct step_record, image_record, timing_record (common/records.h).
size_t run_table_record_size(enum run_table table);

// Rows a chunk. A chunk is what HDF5 reads and writes at a time, and what the run file keeps in memory before it must write.
size_t run_table_chunk(enum run_table table);

// The row as it lies in memory, with `targets` losses in /steps. Close with H5Tclose; negative on failure.
hid_t run_table_memory_type(enum run_table table, int targets);

// Creates the empty, extendible dataset in `file` with its attributes: `units` and `descriptions`, one text a column; /steps has the layer
// names in `targets` too. The file's rows are the memory's without padding.
herr_t run_table_create(hid_t file, enum run_table table, const struct config *config);

// Adds `count` rows of type `memory` at the end. They are in the file, for readers, before whatever is written later.
herr_t run_table_append(hid_t file, enum run_table table, hid_t memory, const void *rows, hsize_t count);

// An attribute of variable-length UTF-8 strings, which readers get as text: a scalar, or an array of `count`.
herr_t run_attribute_text(hid_t object, const char *name, const char *text);
herr_t run_attribute_texts(hid_t object, const char *name, const char *const *texts, size_t count);

#endif
