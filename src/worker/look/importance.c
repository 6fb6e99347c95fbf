// SPDX-License-Identifier: MIT
#include "worker/look/importance.h"

#include <stdlib.h>

#include "common/system/clock.h"

static inline double product(float a, float g, double given)
{
    (void)given;
    return (double)a * (double)g;
}

static void add_products(const struct feature *feature, double *sums, const void *given)
{
    features_add(feature, sums, product, given);
}

enum status importance_gradient_activation(const struct features *f, int target, float *importance)
{
    const double start = now();
    const struct heat_grid grid = features_grid(f, target, 0, 0);
    const int channels = f->objective->channels[target];
    double *sums;
    enum status rc;
    TRY(ALLOCATE(sums, channels, "for the importance of channels"));
    TRY_OUT(features_sum(f, target, channels, add_products, NULL, sums));
    for (int c = 0; c < channels; c++)
        importance[c] = (float)(sums[c] / ((double)grid.width * grid.height));
out:
    free(sums);
    timing_add(f->team->timing, PHASE_ATTRIBUTION, start, 0);
    return rc;
}

// What a channel that is raised adds to the loss, and one that is lowered takes from it.
static double counts_for(float importance, float base)
{
    const double signed_importance = base > 0 ? (double)importance : base < 0 ? -(double)importance : 0;
    return signed_importance > 0 ? signed_importance : 0;
}

void importance_weights(const float *importance, const float *base, int channels, double strength, float *weights)
{
    double sum = 0, counted = 0;
    for (int c = 0; c < channels; c++) {
        sum += counts_for(importance[c], base[c]);
        counted += base[c] != 0;
    }
    for (int c = 0; c < channels; c++) {
        const double follow = sum > 0 ? counts_for(importance[c], base[c]) / sum * counted : 1;
        weights[c] = base[c] * (float)(1 - strength + strength * follow);
    }
}
