// SPDX-License-Identifier: MIT
// An HDF5 file of datasets that are written once, each whole: complete or absent.
//
// It grows aside in its folder and gets its name at the end. It is open only while something is written to it, and room is set aside
// first, so that a full disk is found before HDF5 is in the midst of something.
#pragma once

#include <stdbool.h>

#include "common/system/file.h"

enum { EXPLAIN_ATTRIBUTES_MAX = 8 };

struct explain_attribute {
    const char *name; // NULL ends a list that is not full
    enum { EXPLAIN_TEXT, EXPLAIN_WHOLE, EXPLAIN_REAL } type;
    const char *text; // bytes that are not UTF-8 become '?'
    double number;    // int32 or float64 in the file
};

struct explain_dataset {
    const char *path; // groups on the way are made
    int dimensions;
    int size[3];
    // In chunks, shuffled and deflated at level 1. Worth it for activations (which shrink to 30 to 45%, at 60 to 90 MB/s on one core) and
    // baselines (0 to 64%); gradients only shrink to 86%, at 45 MB/s.
    bool compressed;
    const float *values;
    const char *description;                                     // becomes an attribute, and so does `units`: 1
    struct explain_attribute attributes[EXPLAIN_ATTRIBUTES_MAX]; // further ones
};

struct explain_store {
    struct file_writer writer;
};

// Replaces what has the name when it is committed. After any failure only explain_store_abandon() may be called.
enum status explain_store_create(struct explain_store *store, const char *path) MUST_CHECK;

// Refuses a path that is there already.
enum status explain_store_write(struct explain_store *store, const struct explain_dataset *dataset) MUST_CHECK;

// Adds attributes to the object at `path`, "/" or that of a dataset.
enum status explain_store_describe(struct explain_store *store, const char *path, const struct explain_attribute *attributes,
                                   int count) MUST_CHECK;

// Syncs and gives it its name. On failure nothing is left.
enum status explain_store_commit(struct explain_store *store) MUST_CHECK;

// Leaves nothing. Harmless when it is zeroed, committed or abandoned already.
void explain_store_abandon(struct explain_store *store);
