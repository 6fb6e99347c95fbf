// SPDX-License-Identifier: MIT
// A list of inputs, read as it is needed: one a line or, where it ends with a NUL byte, as `find -print0` writes it, each with a NUL behind
// it. Of a line blanks around it are cut, and blank lines and those that start with # are skipped; between NULs stands a name as it is.
// A list that is no file, such as a pipe, is read once, to its end, into memory, since a run goes through its inputs more than once.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/system/file.h"

struct intake_list {
    FILE *stream; // NULL: not open
    char end;     // of each entry: a newline, or NUL
    int64_t line; // number of the last line, or name, that was read, from 1
};

// `copy`: of intake_lists_read(), an open file that stays the caller's; -1: there is none.
enum status intake_list_open(struct intake_list *list, const char *path, int copy) MUST_CHECK;

// The next line that names something, without blanks around it. *end (and the list is closed) when there is none. Fails on a line that is
// too long, and goes on after it; on bytes that are not text and on errors of reading the list is closed too.
enum status intake_list_next(struct intake_list *list, char text[FILE_PATH_MAX], bool *end) MUST_CHECK;

void intake_list_close(struct intake_list *list);

// Of each of the inputs that is a list and no file ("@-" and "@/dev/stdin": standard input) a copy in memory, an open file; -1 for others.
// *copies is [count], or NULL on failure: standard input named twice, more than LISTS_MAX bytes, a signal that asks to stop. What cannot be
// opened is left to intake_list_open().
#define LISTS_MAX (UINT64_C(1) << 30)
enum status intake_lists_read(char *const *inputs, int count, int **copies) MUST_CHECK;
void intake_lists_destroy(int **copies, int count); // NULL inside is fine
