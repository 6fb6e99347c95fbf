// SPDX-License-Identifier: MIT
// The tables of the run file: which columns, which types, which units, and how a record becomes a row.
//
// A row in the file is flat and without gaps: what belongs to targets, an array of structs in the record, is one array column a metric.
#pragma once

#include <hdf5.h>
#include <stddef.h>

#include "common/config/config.h"

enum run_table { RUN_TABLE_STEPS, RUN_TABLE_CAM_FRAMES, RUN_TABLE_IMAGES, RUN_TABLE_TIMING, RUN_TABLE_COUNT };

const char *run_table_name(enum run_table table); // path in the file

size_t run_table_chunk(enum run_table table); // rows

// Of a row. Close with H5Tclose; negative on failure.
hid_t run_table_type(enum run_table table, int targets);

// Makes a row of that type from a struct step_row, cam_row, image_row or timing_row (common/wire/run_rows.h).
void run_table_pack(enum run_table table, int targets, const void *record, void *row);

// Adds the attributes: `units` and `descriptions`, one text a column, and, where a column is an array, `targets`: the layers' names.
herr_t run_table_describe(hid_t dataset, enum run_table table, const struct config_targets *targets);
