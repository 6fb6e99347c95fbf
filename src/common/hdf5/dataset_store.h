// SPDX-License-Identifier: MIT
// An HDF5 file of datasets that are written once, each whole: complete or absent.
//
// It grows aside in its folder and gets its name at the end. It is open only while something is written to it, and room is set aside
// first, so that a full disk is found before HDF5 is in the midst of something.
#pragma once

#include <stdbool.h>

#include "common/system/file.h"

enum { STORED_ATTRIBUTES_MAX = 12 };

struct stored_attribute {
    const char *name; // NULL ends a list that is not full
    enum { STORED_TEXT, STORED_WHOLE, STORED_REAL } type;
    const char *text; // bytes that are not UTF-8 become '?'
    double number;    // int32 or float64 in the file
};

struct stored_dataset {
    const char *path; // groups on the way are made
    int dimensions;   // 0 without values
    int size[3];
    // In chunks, shuffled and deflated at level 1. Worth it for activations (which shrink to 30 to 45%, at 60 to 90 MB/s on one core) and
    // baselines (0 to 64%); gradients only shrink to 86%, at 45 MB/s.
    bool compressed;
    enum { STORED_FLOAT, STORED_INT32 } kind;                  // of the values
    const void *values;                                        // NULL: only attributes are added to what is at the path
    const char *description;                                   // of values: becomes an attribute, and so does `units`: 1
    struct stored_attribute attributes[STORED_ATTRIBUTES_MAX]; // further ones
};

// Creates the file aside. It replaces what has the name when the writer is committed. After any failure the writer may only be abandoned.
enum status dataset_store_create(struct file_writer *writer, const char *path) MUST_CHECK;

// Refuses values for a path that is there already.
enum status dataset_store_write(struct file_writer *writer, const struct stored_dataset *dataset) MUST_CHECK;

// A list of texts, [count], at least one, in UTF-8: of one length in the file, filled up with zeros. Bytes that are not UTF-8 become '?'.
enum status dataset_store_write_texts(struct file_writer *writer, const char *path, const char *description, const char *const *texts,
                                      size_t count) MUST_CHECK;
