// SPDX-License-Identifier: MIT
// The datasets of the run file: which there are, the columns of the tables with their types and units, and how a record becomes a row.
//
// A row in the file is flat and without gaps: what belongs to targets, an array of structs in the record, is one array column a metric.
#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/config/config.h"
#include "runfile/run_file.h"

// In the order of writing: who sees a row sees what it speaks of. Records of tables are those of common/wire/run_rows.h.
enum run_dataset {
    RUN_RANKS,                                        // table of struct rank_row
    RUN_STEPS,                                        // table of struct step_row
    RUN_CAM_VALUES,                                   // floats
    RUN_CAM_FRAMES,                                   // table of struct cam_row
    RUN_IMPORTANCE,                                   // of each target: rows of floats, one for each channel
    RUN_IMAGES = RUN_IMPORTANCE + CONFIG_TARGETS_MAX, // table of struct image_row
    RUN_EARLIER,                                      // table of struct image_row
    RUN_TIMING,                                       // table of struct timing_row
    RUN_SUMMARY_METRICS,                              // table of struct metric_summary
    RUN_SUMMARY_OUTLIERS,                             // table of struct outlier_row
    RUN_SUMMARY_CAM,                                  // table of struct map_summary
    RUN_SUMMARY_IMPORTANCE,                           // of each target: table of struct channel_summary
    RUN_DATASETS = RUN_SUMMARY_IMPORTANCE + CONFIG_TARGETS_MAX
};

enum { RUN_NAME_MAX = 64, RUN_COLUMNS_MAX = 48 };

// Of a dataset that there is for each target: its number; -1: of another one.
int run_dataset_target(enum run_dataset dataset);

// The path in the file; of one for each target: that of the target with this layer.
void run_dataset_name(enum run_dataset dataset, const char *layer, char name[RUN_NAME_MAX]);

size_t run_dataset_chunk(enum run_dataset dataset); // rows that HDF5 reads and writes at a time

// Adds the attributes that say what a dataset holds.
herr_t run_dataset_describe(enum run_dataset dataset, hid_t handle, const struct run_file_header *header);

// Of a table's row; `present` [RUN_COLUMNS_MAX]: without the other columns, whose places stay; NULL: with all. Close it; negative on
// failure.
hid_t run_table_type(enum run_dataset table, int targets, const bool *present);

// Makes a row of that type from a record, and a record, but for columns that are not present, from a row. Text is made well-formed UTF-8
// with '?' for all else.
void run_table_pack(enum run_dataset table, int targets, const void *record, void *row);
void run_table_unpack(enum run_dataset table, int targets, const bool *present, const void *row, void *record);

// Which columns a type in some file has. False: it lacks some without which there is no record. Numbers of floating type may be missing.
bool run_table_find(enum run_dataset table, hid_t type, bool *present);

// The number of a column; negative: there is none of that name.
int run_table_column(enum run_dataset table, const char *name);

// A number that /images has of each picture and its dream.
struct run_metric {
    const char *name; // of the column
    size_t offset;    // in struct image_row
    size_t stride;    // bytes from one target's number to the next one's; 0: it is one number
};

// All of them, in the order of the columns; metrics [RUN_COLUMNS_MAX].
size_t run_table_metrics(struct run_metric *metrics);
