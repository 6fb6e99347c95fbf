// SPDX-License-Identifier: MIT
// What the dream raises: a weighted sum over targets of the mean square, or the mean, of their activation over a whole octave, made tile by
// tile. An octave's activation values are shared out among its tiles: each belongs to the tile in whose core the middle of its receptive
// field lies.
#ifndef ONEIROS_WORKER_OBJECTIVE_H
#define ONEIROS_WORKER_OBJECTIVE_H

#include "common/config.h"
#include "common/tiling.h"
#include "kernels/executor.h"

struct objective {
    const struct config *config;
    int count;                    // targets
    int rows[CONFIG_TARGETS_MAX]; // of the network table
    struct receptive_field fields[CONFIG_TARGETS_MAX];
};

// STATUS_USAGE where the network has no such layer. `config` is borrowed.
enum status objective_init(struct objective *objective, const struct config *config) MUST_CHECK;

// Values of each target that the loss is a mean of, for an octave of width x height: those of the chosen channels at all positions.
void objective_values(const struct objective *objective, int width, int height, double values[CONFIG_TARGETS_MAX]);

// After executor_forward() on a tile's window: the sum of A^2, or of A, over the chosen channels at this tile's positions. `width`,
// `height`: of the octave. Sums run in a fixed order for any number of threads.
void objective_sums(const struct objective *objective, struct executor *executor, const struct tile *tile, int width, int height,
                    double sums[CONFIG_TARGETS_MAX]);

// The loss from the sums over all tiles: of each target, unweighted, and their weighted sum.
double objective_loss(const struct objective *objective, const double sums[CONFIG_TARGETS_MAX], const double values[CONFIG_TARGETS_MAX],
                      double target_loss[CONFIG_TARGETS_MAX]);

// Overwrites each target's activation, all of it, with d loss / d A.
void objective_gradient(const struct objective *objective, struct executor *executor, const double values[CONFIG_TARGETS_MAX]);

#endif
