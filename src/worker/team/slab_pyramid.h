// SPDX-License-Identifier: MIT
// The Laplacian pyramid of a slab (Burt and Adelson 1983): its values split into bands of one octave of spatial frequency each, which sum
// to them. Level l + 1 is level l blurred by (1 4 6 4 1) / 16 in both directions, every second row and column of it; band l is level l
// without level l + 1 enlarged; the last band is the last level. The octave's border is repeated. A member computes its own rows from more
// rows around them; results do not depend on who holds which.
#pragma once

#include "worker/team/slab.h"

enum { SLAB_PYRAMID_MAX = 5 }; // bands: a row of the last is TILING_BAND of the octave's

struct slab_pyramid;

// Rows above and below that a row depends on.
int slab_pyramid_margin(int bands);

// For slabs of width x height that hold these rows; 2 <= bands <= SLAB_PYRAMID_MAX. Destroy it also after a failure.
enum status slab_pyramid_create(struct slab_pyramid **pyramid, int width, int height, struct span rows, int bands) MUST_CHECK;
void slab_pyramid_destroy(struct slab_pyramid **pyramid);

// Splits `slab` in place: it holds the finest band afterwards. Sums of squares go to sums[b * stride + band], of those rows of the bands
// that lie in slab_band() number b of `rows`, which are slab_pyramid_margin() inside of the slab's or bounded by the octave's border.
void slab_pyramid_split(struct slab_pyramid *pyramid, struct slab *slab, struct span rows, double *sums, int stride);

// Values that a band of the whole octave has.
double slab_pyramid_count(const struct slab_pyramid *pyramid, int band);

// After a split: the slab becomes the sum of scales[band] * band. Its rows less than slab_pyramid_margin() inside and not bounded by the
// octave's border are undefined afterwards.
void slab_pyramid_join(const struct slab_pyramid *pyramid, const float *scales);
