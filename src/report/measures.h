// SPDX-License-Identifier: MIT
// What a report shows of each step, and of each picture before and after.
#pragma once

#include <stdbool.h>

enum { MEASURES = 8 };

struct measure {
    const char *column; // of /steps; of /images with _before and _after
    const char *title;
    const char *unit; // "": a pure number
    bool per_target;  // one number for each target
};

extern const struct measure measures[MEASURES];

// Numbers of all measures together, and the place of the first number of one of them among these.
int measures_width(int targets);
int measures_offset(int measure, int targets);
