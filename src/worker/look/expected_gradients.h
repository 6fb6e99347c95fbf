// SPDX-License-Identifier: MIT
// Expected gradients: what a picture x has that baselines b have not, and what that counts for the loss L. With alpha in (0, 1),
//
//     for the channels of a target    phi_c = E sum over positions of (A_c(x) - A_c(b)) dL/dA_c at A(b) + alpha (A(x) - A(b))
//     for the pixels                  phi   = E (x - b) dL/dx at b + alpha (x - b)
//
// E: the mean over baselines and alphas; plain gradients. phi sums up to L(x) - E L(b), but for the error of the mean over alphas, which
// are spread evenly here: (i + 1/2) / n. Erion et al. 2021, doi:10.1038/s42256-021-00343-w; the first is what SHAP's GradientExplainer does
// on a layer.
#pragma once

#include "worker/look/baselines.h"
#include "worker/network/sweep.h"

// Once the job is stopping, what is found is worth nothing.
struct expected_gradients {
    struct image_job
        *job;            // asked whether to stop for each sample; config importance.samples: for all baselines together, at least one each
    struct sweep *sweep; // of the picture's size
    const struct slab *picture;
    const struct baselines *baselines;
    void (*passed)(void *context, double passes); // after each sample: passes over the picture, there and back, that it was worth; or NULL
    void *context;
};

struct expectation {
    double value, expected; // L(x), E L(b)
    double residual;        // |sum of phi - (value - expected)| / |value - expected|
};

// Whether there is anything to expect: samples and baselines.
bool expected_gradients_are_on(const struct expected_gradients *e);

// Collective. importance[t] [channels], or NULL for targets that are not asked for: those at a cut of the network (network_is_cut). L is
// what the loss has of that target and those behind it.
enum status expected_gradients_importance(const struct expected_gradients *e, float *const importance[CONFIG_TARGETS_MAX],
                                          struct expectation expectations[CONFIG_TARGETS_MAX]) MUST_CHECK;

// Passes over the picture, there and back, that a sample of all targets' channels is worth, about.
double expected_gradients_importance_passes(const struct objective *objective);

// Collective. `phi` has the picture's rows; `gradient` and `scratch` are those of sweep_run(), `mixed` has the picture's rows.
enum status expected_gradients_pixels(const struct expected_gradients *e, struct slab *gradient, struct slab *scratch, struct slab *mixed,
                                      struct slab *phi, struct expectation *expectation) MUST_CHECK;
