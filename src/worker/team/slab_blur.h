// SPDX-License-Identifier: MIT
// Gaussian blur of a slab, the octave's border repeated. A member computes its own rows from more rows around them; results do not depend
// on who holds which.
#pragma once

#include "worker/team/slab.h"

// Rows above and below that a blurred row depends on; 0 for sigma 0. `sigma` in pixels.
int slab_blur_margin(double sigma);

// Blurs the rows that lie slab_blur_margin() inside of slab->rows or are bounded by the octave's border; the others are undefined
// afterwards. `scratch` has the same rows.
void slab_blur(struct slab *slab, struct slab *scratch, double sigma);
