// SPDX-License-Identifier: MIT
// What explains one picture: explain.h5 (dataset_store.h), and PNGs beside it (explain_pictures.h). docs/explain.md says what is in it. The
// file gets its name at the end, when the PNGs are there too.
#pragma once

#include "common/config/config.h"
#include "common/wire/run_rows.h"
#include "coordinator/results/array_assembly.h"

enum { EXPLAIN_FILE_FORMAT_VERSION = 1 };

struct explain_file_options {
    const char *folder;            // is there
    const struct config *config;   // outlives the file; its targets are layers of the network, each once
    const struct image_row *image; // source, sha256, width, height
    const float *rgb;              // (3, height, width) the picture, in [-1, 1]; not kept
    const char *weights_md5, *weights_source;
    const char *class_name; // that the objective raises; "" or NULL: it raises none
};

struct explain_file;

// Removes what an earlier run left in the folder, if it has the names that this one gives. On failure *file is NULL.
enum status explain_file_create(struct explain_file **file, const struct explain_file_options *options) MUST_CHECK;

// Writes the array and what follows from it: datasets, PNGs. Any order, any subset; but the guided gradient multiplies the Grad-CAM maps
// that came before it. The values are borrowed during the call. Refuses arrays that do not fit, and those that came before. After a failure
// only explain_file_abandon() may be called.
enum status explain_file_add(struct explain_file *file, const struct array *array) MUST_CHECK;

// Writes what is only known now, gives the file its name, frees in any case. On failure nothing is left in the folder.
enum status explain_file_finish(struct explain_file **file, const struct picture_metrics *metrics) MUST_CHECK;

// Leaves nothing in the folder. NULL is fine.
void explain_file_abandon(struct explain_file **file);
