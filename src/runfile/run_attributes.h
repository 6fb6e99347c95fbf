// SPDX-License-Identifier: MIT
// Attributes in the run file: what the root says about the run as a whole, and how to add others. Negative results: HDF5 refused.
#pragma once

#include <hdf5.h>
#include <stddef.h>

#include "runfile/run_file.h"

// Adds variable-length UTF-8 strings, which readers get as text: a scalar, or an array of `count`.
herr_t run_attribute_text(hid_t object, const char *name, const char *text);
herr_t run_attribute_texts(hid_t object, const char *name, const char *const *texts, size_t count);

herr_t run_attribute_integer(hid_t object, const char *name, int value);
herr_t run_attribute_integers(hid_t object, const char *name, const int *values, size_t count);

// What Slurm calls its variables, in lower case: an attribute for each that is set.
enum { RUN_SLURM_COUNT = 8 };
extern const char *const run_slurm_names[RUN_SLURM_COUNT];

// And how to read one of them. The text is malloc'ed; NULL: there is none, it is no variable-length string, or longer than `limit`.
herr_t run_attribute_read_number(hid_t object, const char *name, hid_t type, void *value); // one, of a native type
herr_t run_attribute_read_integer(hid_t object, const char *name, int *value);
char *run_attribute_read_text(hid_t object, const char *name, size_t limit);

// Adds all that is known at the start. `config`: as YAML; `resumed`: rows of an earlier session are taken over.
herr_t run_attributes_create(hid_t root, const struct run_file_header *header, const char *config, bool resumed);

// Sets what changes with each write.
herr_t run_attributes_progress(hid_t root, double elapsed, int complete);
