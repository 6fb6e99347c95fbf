// SPDX-License-Identifier: MIT
// How the measures go from step to step: of each picture, and their mean over all. Thinned out, so that a page of many pictures stays
// small.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/system/status.h"
#include "report/measures.h"

enum {
    CURVE_POINTS_MAX = 200,    // of one picture
    CURVE_POINTS_LEAST = 12,   // fewer say nothing: then there is the mean only
    CURVE_NUMBERS_MAX = 400000 // of all pictures together
};

struct curve_point {
    int octave, step;
    int position;   // of the step in the whole way, from 0
    size_t images;  // that the point is the mean of
    double *values; // [measures_width()], of the curves' `values`
};

struct curve {
    int64_t image;       // -1: the mean
    size_t first, count; // its points
};

struct curves {
    bool have[MEASURES]; // the file has the column
    int width;           // measures_width()
    struct curve mean;
    size_t curve_count;
    struct curve *curves; // [curve_count] by image; none where there are too many pictures
    size_t point_count;
    struct curve_point *points;
    double *values;
};

// Points that each picture's curve may have; 0: none has one.
size_t curves_budget(size_t images, int width);

// Destroy them also after a failure.
enum status curves_read(struct run_reader *reader, struct curves *curves) MUST_CHECK;
void curves_destroy(struct curves *curves); // a zeroed one is fine
