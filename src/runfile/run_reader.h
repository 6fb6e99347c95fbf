// SPDX-License-Identifier: MIT
// A run file that is read: of a run that ended, goes on, or was killed. Any of it may be nonsense in a file that is not ours: types are
// checked, nothing is allocated that the file is too small to hold, and text is well-formed UTF-8.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/system/file.h"
#include "common/wire/run_rows.h"
#include "runfile/run_facts.h"
#include "runfile/run_tables.h"

struct run_reader {
    bool unclosed;            // it is being written, or a write was cut off: others can open it as SWMR readers only
    char path[FILE_PATH_MAX]; // of the file
    struct run_facts facts;
    // Private.
    hid_t file;
    struct run_values {
        hid_t handle;    // of a dataset of floats that stays open; 0: nobody has asked for it; negative: there is none
        hsize_t size[2]; // rows, and values of each
    } maps, importance[CONFIG_TARGETS_MAX], peaks[CONFIG_TARGETS_MAX];
};

// The run file of an output folder, or one itself. STATUS_IO, STATUS_FORMAT: it cannot be read, is no run file, or of another version of
// the format; the message names it. On failure *reader is NULL.
enum status run_reader_open(struct run_reader **reader, const char *given) MUST_CHECK;
void run_reader_close(struct run_reader **reader); // NULL is fine

// The rows of a table, one after the other.
struct run_cursor {
    size_t rows; // all of them
    bool ours;   // the table is as this version writes it
    // Private.
    struct run_reader *reader;
    enum run_dataset table;
    char name[RUN_NAME_MAX];
    hid_t dataset, type;           // the type of rows in memory
    bool present[RUN_COLUMNS_MAX]; // columns
    size_t next, row_size;
    char *part; // as many rows as HDF5 reads at a time
    union {
        struct rank_row rank;
        struct step_row step;
        struct cam_row cam;
        struct image_row image;
        struct frame_row frame;
        struct faithfulness_row faithfulness;
        struct timing_row timing;
    } record;
    enum status rc;
};

// STATUS_FORMAT: there is no such table, it lacks columns, or it claims more rows than the file can hold. On failure *cursor is NULL.
enum status run_cursor_open(struct run_cursor **cursor, struct run_reader *reader, enum run_dataset table) MUST_CHECK;
// Whether the table has a column. What it has not is 0 in the records.
bool run_cursor_has(const struct run_cursor *cursor, const char *column);
// A record, which lasts until the next call; NULL: there are no more, or closing says why not.
const void *run_cursor_next(struct run_cursor *cursor);
// NULL is fine. Returns `rc`, how it went what the rows were read for, or else how the reading went.
enum status run_cursor_close(struct run_cursor **cursor, enum status rc) MUST_CHECK;

// The channels of a target's layer; 0: the file has no importance of it. *method: by what that was found, malloc'ed, or NULL; `method` may
// be NULL.
int run_reader_channels(struct run_reader *reader, int target, char **method);
// The importance [channels] that belongs to a row of /images.
enum status run_reader_importance(struct run_reader *reader, int target, size_t row, float *values) MUST_CHECK;

// The peaks [channels][PEAK_KINDS][PEAK_NUMBERS] that belong to a row of /images, in the run file of an atlas.
enum status run_reader_peaks(struct run_reader *reader, int target, size_t row, float *values) MUST_CHECK;

// Where these places are in a picture.
enum status run_reader_field(struct run_reader *reader, int target, struct run_field *field) MUST_CHECK;

// The map of a frame, malloc'ed.
enum status run_reader_map(struct run_reader *reader, const struct cam_row *frame, float **values) MUST_CHECK;

// The plan of an earlier run, from its run file or from a file with the plan's text alone, as malloc'ed text. STATUS_IO, STATUS_FORMAT, or
// STATUS_LIMIT beyond `limit` bytes.
enum status run_plan_read(const char *path, size_t limit, char **text) MUST_CHECK;
