// SPDX-License-Identifier: MIT
// What happens to an image's gradient before it is added. Each call works on the rows that one member of a team holds; what it needs of the
// rows around them comes along. Sums are made for each band of TILING_BAND rows and added up band by band, so that results depend neither
// on the number of threads nor on who holds which rows.
#pragma once

#include "common/config/config.h"
#include "worker/team/slab.h"

// Bands that `rows` consists of.
int shaping_bands(struct span rows);

// The bands of each member's rows: shares [members], for team_sum().
void shaping_shares(int height, int members, struct span *shares);

// bands[shaping_bands(image->rows)] = sum |dx| + sum |dy| over the band: differences to the right and downwards. `below` is the octave's
// row under the last one of image->rows, (3, width); NULL where that is the octave's last.
void shaping_total_variation(const struct slab *image, const float *below, double *bands);

// gradient -= weight * d(total variation / samples of the octave) / d(image) on image->rows; the derivative of |x| at 0 is 0. `above` and
// `below`: the octave's rows next to image->rows, (3, width), NULL at its border. gradient->rows contains image->rows.
void shaping_add_total_variation(struct slab *gradient, const struct slab *image, const float *above, const float *below, double weight);

// Gaussian blur, sigma in pixels, the octave's border repeated, on the rows that lie shaping_margin() inside of gradient->rows or are
// bounded by the octave's border; the others are undefined afterwards. `scratch` has the same rows.
void shaping_smooth(struct slab *gradient, struct slab *scratch, double sigma);

// Rows above and below that a blurred row depends on; 0 for sigma 0.
int shaping_margin(double sigma);

// Of `rows` of the gradient: sum, sum of absolute values, sum of squares of each band. `rows` lies in gradient->rows.
enum { SHAPING_SUMS = 3 };
void shaping_sums(const struct slab *gradient, struct span rows, double (*bands)[SHAPING_SUMS]);

// bands[shaping_bands(a->rows)] = sum of (a - b)^2 over the band. Both have the same rows.
void shaping_squared_error(const struct slab *a, const struct slab *b, double *bands);

// Peak signal-to-noise ratio in dB of pictures in [-1, 1], from the sum of squared differences of `samples` values; INFINITY where that is
// 0.
double shaping_psnr(double squared_error, double samples);

struct gradient_norms {
    double std, rms, mean_abs, l2;
};
// From the sums of all bands, for `samples` values.
struct gradient_norms shaping_norms(const double sums[SHAPING_SUMS], double samples);

// What the gradient is divided by: the chosen norm + 1e-8; 1 for NORMALIZE_NONE.
double shaping_divisor(const struct gradient_norms *norms, enum config_normalize normalize);

// image += step * gradient on image->rows, clipped to [-1, 1]. gradient->rows contains image->rows.
void shaping_ascend(struct slab *image, const struct slab *gradient, double step);
