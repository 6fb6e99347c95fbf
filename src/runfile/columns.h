// SPDX-License-Identifier: MIT
// A compound table of a run file, read column by column, and other things of it that are read with limits. Any of it may be nonsense in a
// file that is not ours: types are checked, and nothing is allocated that the file is too small to hold.
#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/system/status.h"

struct columns {
    const char *path, *name; // of the file and the table, borrowed, for messages
    hid_t dataset, type;
    size_t rows;
};

// STATUS_FORMAT: there is no such table, or it claims more rows than its file can hold. On failure *columns is closed.
enum status columns_open(hid_t file, const char *path, const char *name, struct columns *columns) MUST_CHECK;
void columns_close(struct columns *columns); // a closed one is fine

bool columns_have(const struct columns *columns, const char *column);

// [rows][width] of numbers of any type, an enumeration's values too; width 1: the column may also be an array of one. malloc'ed.
enum status columns_numbers(const struct columns *columns, const char *column, int width, double **numbers) MUST_CHECK;

// [rows][size] of text, each with its NUL, well-formed UTF-8, cut where it is longer. malloc'ed.
enum status columns_text(const struct columns *columns, const char *column, size_t size, char **text) MUST_CHECK;

// Whether the file is large enough to hold so many rows of what the dataset consists of: they are not compressed.
bool columns_file_can_hold(hid_t dataset, hsize_t values);

// An array of variable-length texts in an attribute of the file's `object` ("." for itself), at most `limit` of them, each malloc'ed and
// well-formed UTF-8. NULL: there is none. Free with columns_free_texts().
char **columns_texts(hid_t file, const char *object, const char *name, size_t limit, size_t *count);
void columns_free_texts(char **texts, size_t count);

// An array of integers in an attribute of the root, exactly `count` of them, malloc'ed; NULL: there is none.
int *columns_integers(hid_t file, const char *name, size_t count);
