// SPDX-License-Identifier: MIT
// Samples of every type that science has, and values as the network sees them: -1 for the lowest of a range, 1 for the highest.
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/picture/image.h"

// Whole numbers of 8, 16 and 32 bits, floats of 16, 32 and 64.
bool samples_are_known(struct sample_type type);

// The range of a type; of floats that is 0..1.
void samples_range(struct sample_type type, double *low, double *high);

// Whether an image's own bits are all that its file has: 8 or 16 of whole numbers, or floats of 0..1.
bool raster_is_plain(const struct image_raster *raster);

// `count` samples, `step` of them from one to the next, as floats: NaN where there is no number, or `no_data` (NaN: every number is one).
void samples_load(struct sample_type type, const void *samples, size_t count, size_t step, double no_data, float *values);

// Rounded to the nearest that the type has; but never `no_data`.
void samples_store(struct sample_type type, void *sample, double value, double no_data);

static inline float sample_to_unit(float value, double low, double high)
{
    const float unit = (float)((value - low) / (high - low) * 2 - 1);
    return unit > -1 ? fminf(unit, 1) : -1;
}

static inline double sample_from_unit(float unit, double low, double high)
{
    return low + (fmin(1, fmax(-1, unit)) + 1) / 2 * (high - low);
}

// Values of these percentiles, exactly, of those that are no NaN, by counting: memory does not grow with them. False: there are none, or
// there is no memory.
bool samples_percentiles(const float *values, size_t count, const double percents[2], double found[2]);
