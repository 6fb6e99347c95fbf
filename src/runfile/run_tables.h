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
    RUN_RANKS,                                       // table of struct rank_row
    RUN_STEPS,                                       // table of struct step_row
    RUN_CAM_VALUES,                                  // floats
    RUN_CAM_FRAMES,                                  // table of struct cam_row
    RUN_FRAMES,                                      // table of struct frame_row
    RUN_FAITHFULNESS,                                // table of struct faithfulness_row
    RUN_IMPORTANCE,                                  // of each target: rows of floats, one for each channel
    RUN_PEAKS = RUN_IMPORTANCE + CONFIG_TARGETS_MAX, // of each target, in an atlas: rows of floats, six for each channel
    RUN_IMAGES = RUN_PEAKS + CONFIG_TARGETS_MAX,     // table of struct image_row
    RUN_EARLIER,                                     // table of struct image_row
    RUN_TIMING,                                      // table of struct timing_row
    RUN_SUMMARY_METRICS,                             // table of struct metric_summary
    RUN_SUMMARY_OUTLIERS,                            // table of struct outlier_row
    RUN_SUMMARY_FAITHFULNESS,                        // table of struct faithfulness_summary
    RUN_SUMMARY_CAM,                                 // table of struct map_summary
    RUN_SUMMARY_IMPORTANCE,                          // of each target: table of struct channel_summary
    RUN_DATASETS = RUN_SUMMARY_IMPORTANCE + CONFIG_TARGETS_MAX
};

enum { RUN_NAME_MAX = 64, RUN_COLUMNS_MAX = 48 };

// A flag is 0 where a file has no such column. An id that may be none is 0 in the record, and there one more than in the file.
enum run_column_kind {
    COLUMN_INT32,
    COLUMN_FLAG,    // int32_t
    COLUMN_INT64,   //
    COLUMN_ID,      // int64_t
    COLUMN_DOUBLE,  //
    COLUMN_TEXT,    //
    COLUMN_STATUS,  // int32_t, an enum image_status
    COLUMN_METRICS, // of each target a double, in its struct target_metrics
    COLUMN_TARGETS, // of each target a double, side by side
    COLUMN_MAP      // doubles
};

struct run_column {
    const char *name;
    enum run_column_kind kind;
    size_t offset, size; // in the record; of a column with a number for each target: of the first one's
    const char *unit;    // empty for names, numbers of things and text
    const char *description;
};

// Of a table.
const struct run_column *run_table_columns(enum run_dataset table, size_t *count);

// Whether it has a number for each target, and bytes in a record from one target's to the next one's.
bool run_column_is_array(const struct run_column *column);
size_t run_column_stride(const struct run_column *column);

static inline bool run_dataset_is_importance(enum run_dataset dataset)
{
    return dataset >= RUN_IMPORTANCE && dataset < RUN_PEAKS;
}

static inline bool run_dataset_is_peaks(enum run_dataset dataset)
{
    return dataset >= RUN_PEAKS && dataset < RUN_IMAGES;
}

// The float values a row of a dataset that there is for each target and not a table; 0: of another one.
int run_dataset_width(enum run_dataset dataset, const int *channels);

// Of a dataset that there is for each target: its number; -1: of another one.
int run_dataset_target(enum run_dataset dataset);

// Whether files of earlier versions lack it: then it has no rows.
bool run_dataset_is_new(enum run_dataset dataset);

// The path in the file; of one for each target: that of the target with this layer.
void run_dataset_name(enum run_dataset dataset, const char *layer, char name[RUN_NAME_MAX]);

size_t run_dataset_chunk(enum run_dataset dataset); // rows that HDF5 reads and writes at a time

// Adds the attributes that say what a dataset holds (run_describe.c).
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
