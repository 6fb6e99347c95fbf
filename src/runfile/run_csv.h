// SPDX-License-Identifier: MIT
// Tables of a run file as comma-separated values (RFC 4180, but lines end as Unix has it; UTF-8): a line of names, and one for each record.
// A column with a number for each target is a column for each, called NAME.LAYER. What is not known is empty.
#pragma once

#include <stdio.h>

#include "runfile/run_reader.h"

struct run_csv {
    FILE *stream;                     // whose error flag says how it went
    const struct hdf5_texts *targets; // the layers
};

// One line: of a record, or, where that is NULL, of the names. `first` stands before all others; NULL: nothing does. Of tables without
// maps.
void run_csv_line(const struct run_csv *csv, enum run_dataset table, const char *first, const void *record);
