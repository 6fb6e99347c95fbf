// SPDX-License-Identifier: MIT
// What happens to an image's gradient before it is added, and how. Each call works on the rows that one member of a team holds; what it
// needs of the rows around them comes along. The sums that a norm is made of: team/slab_sums.h.
#pragma once

#include "common/config/config.h"
#include "worker/team/slab_sums.h"

// gradient -= weight * d(total variation / samples of the octave) / d(image) on image->rows; the derivative of |x| at 0 is 0. `above` and
// `below`: the octave's rows next to image->rows, (3, width), NULL at its border. gradient->rows contains image->rows.
void shaping_add_total_variation(struct slab *gradient, const struct slab *image, const float *above, const float *below, double weight);

// What a gradient of `samples` values is divided by: the chosen norm + 1e-8; 1 for NORMALIZE_NONE. `moments`: its slab_moments(), all bands
// added up.
double shaping_divisor(const double moments[SLAB_MOMENTS], double samples, enum config_normalize normalize);

// What the bands of a pyramid are multiplied by, from their mean squares: each then has 2^coarse times the strength of the finer one before
// it. A band that is nothing but zeros stays so.
void shaping_band_scales(const double *mean_squares, int bands, double coarse, float *scales);

// rgb = (1 - share) rgb + share * C rgb on all rows held: C is the covariance of the colours of natural pictures, so that the gradient goes
// as far along each of its axes as pictures do (Olah et al., "Feature visualization", 2017). COLOURS_ORIGINAL: rgb = their mean, so that
// lightness alone changes.
void shaping_colours(struct slab *gradient, enum config_colours colours, double share);

// image += step * gradient on image->rows, clipped. gradient->rows contains image->rows.
void shaping_ascend(struct slab *image, const struct slab *gradient, double step, enum config_clip clip);
