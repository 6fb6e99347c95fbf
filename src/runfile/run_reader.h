// SPDX-License-Identifier: MIT
// A run file that is read: of a run that ended, goes on, or was killed. Any of it may be nonsense in a file that is not ours: types are
// checked, nothing is allocated that the file is too small to hold, and text is well-formed UTF-8.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/wire/run_rows.h"
#include "runfile/run_facts.h"
#include "runfile/run_tables.h"

struct run_reader;

// The run file of an output folder, or one itself. STATUS_IO, STATUS_FORMAT: it cannot be read, is no run file, or of another version of
// the format; the message names it. On failure *reader is NULL.
enum status run_reader_open(struct run_reader **reader, const char *given) MUST_CHECK;
void run_reader_close(struct run_reader **reader); // NULL is fine

const char *run_reader_path(const struct run_reader *reader); // of the file
const struct run_facts *run_reader_facts(const struct run_reader *reader);

// The rows of a table, one after the other.
struct run_cursor;
// STATUS_FORMAT: there is no such table, it lacks columns, or it claims more rows than the file can hold. On failure *cursor is NULL.
enum status run_cursor_open(struct run_cursor **cursor, struct run_reader *reader, enum run_dataset table) MUST_CHECK;
size_t run_cursor_rows(const struct run_cursor *cursor); // all of them
// Whether it has a column, or is as this version writes it. What it has not is 0 in the records.
bool run_cursor_has(const struct run_cursor *cursor, const char *column);
bool run_cursor_is_ours(const struct run_cursor *cursor);
// A record, which lasts until the next call; NULL: there are no more, or closing says why not.
const void *run_cursor_next(struct run_cursor *cursor);
// NULL is fine. Returns `rc`, how it went what the rows were read for, or else how the reading went.
enum status run_cursor_close(struct run_cursor **cursor, enum status rc) MUST_CHECK;

// The channels of a target's layer; 0: the file has no importance of it. *method: by what that was found, malloc'ed, or NULL; `method` may
// be NULL.
int run_reader_channels(struct run_reader *reader, int target, char **method);
// The importance [channels] that belongs to a row of /images.
enum status run_reader_importance(struct run_reader *reader, int target, size_t row, float *values) MUST_CHECK;

// The map of a frame, malloc'ed.
enum status run_reader_map(struct run_reader *reader, const struct cam_row *frame, float **values) MUST_CHECK;
