// SPDX-License-Identifier: MIT
// A list of inputs, one a line, read as it is needed.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/system/file.h"

struct intake_list {
    FILE *stream; // NULL: not open
    int64_t line; // number of the last line that was read, from 1
};

enum status intake_list_open(struct intake_list *list, const char *path) MUST_CHECK;

// The next line that names something, without blanks around it. *end (and the list is closed) when there is none. Fails on a line that is
// too long, and goes on after it; on bytes that are not text and on errors of reading the list is closed too.
enum status intake_list_next(struct intake_list *list, char text[FILE_PATH_MAX], bool *end) MUST_CHECK;

void intake_list_close(struct intake_list *list);
