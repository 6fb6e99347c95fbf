// SPDX-License-Identifier: MIT
// What a report shows of each step, and of each picture before and after.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "runfile/run_reader.h"

enum { MEASURES = 8 };

struct measure {
    const char *column; // of /steps; of /images with _before and _after
    const char *title;
    const char *unit;  // "": a pure number
    bool per_target;   // one number for each target
    size_t in_step;    // where it is in struct step_row, for the first target
    size_t in_picture; // in struct picture_metrics
};

extern const struct measure measures[MEASURES];

// Numbers of all measures together, and the place of the first number of one of them among these.
int measures_width(int targets);
int measures_offset(int measure, int targets);

// All numbers of a step, or of a picture; NaN where the file has no such column. `have` [MEASURES].
void measures_of_step(const struct step_row *step, const bool *have, int targets, double *values);

// Of all pictures before and after: [rows of /images][2][measures_width()], malloc'ed.
enum status measures_read_pictures(struct run_reader *reader, double **values) MUST_CHECK;
