// SPDX-License-Identifier: MIT
// Sums over an octave that its slabs are spread over: each member makes one for each band of TILING_BAND rows that it holds, team_sum()
// adds them up band by band, so that results depend neither on the number of threads nor on who holds which rows.
#pragma once

#include "worker/team/slab.h"

// Bands that `rows` consists of; of {0, height}: those of the octave, as team_sum() is told.
int slab_bands(struct span rows);

// Rows of the band-th band of `rows`; the last may be shorter.
struct span slab_band(struct span rows, int band);

// The sum of squares of a row, in a fixed order.
double slab_row_squares(const float *row, int count);

// In what follows band b's sum goes to bands[b * stride].

// sum |dx| + sum |dy| over the band: differences to the right and downwards. `below` is the octave's row under the last one of slab->rows,
// (3, width); NULL where that is the octave's last.
void slab_total_variation(const struct slab *slab, const float *below, double *bands, int stride);

// Sum of (a - b)^2. Both hold the same rows.
void slab_squared_error(const struct slab *a, const struct slab *b, double *bands, int stride);

// Of those `rows` of the slab: sum, sum of absolute values, sum of squares, one behind the other.
enum { SLAB_MOMENTS = 3 };
void slab_moments(const struct slab *slab, struct span rows, double *bands, int stride);

// Peak signal-to-noise ratio in dB of pictures in [-1, 1], from the sum of squared differences of `samples` values; INFINITY where that is
// 0.
double slab_psnr(double squared_error, double samples);
