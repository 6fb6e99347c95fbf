// SPDX-License-Identifier: MIT
// What happens to an image's gradient before it is added. Arrays are (3, height, width). Sums run row by row in a fixed order, so that
// results do not depend on the number of threads.
#ifndef ONEIROS_WORKER_SHAPING_H
#define ONEIROS_WORKER_SHAPING_H

#include "common/config.h"

// Anisotropic total variation, sum |dx| + sum |dy|, divided by the number of samples.
double shaping_total_variation(const float *image, int width, int height);

// gradient -= weight * d(total variation) / d(image); the derivative of |x| at 0 is 0.
void shaping_add_total_variation(float *gradient, const float *image, int width, int height, double weight);

// Gaussian blur, sigma in pixels, the border repeated. `scratch` holds as much as `gradient`.
void shaping_smooth(float *gradient, float *scratch, int width, int height, double sigma);

struct gradient_norms {
    double std, rms, mean_abs, l2;
};
struct gradient_norms shaping_norms(const float *gradient, int width, int height);

// What the gradient is divided by: the chosen norm + 1e-8; 1 for NORMALIZE_NONE.
double shaping_divisor(const struct gradient_norms *norms, enum config_normalize normalize);

// image += step * gradient, clipped to [-1, 1].
void shaping_ascend(float *image, const float *gradient, int width, int height, double step);

#endif
