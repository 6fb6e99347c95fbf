// SPDX-License-Identifier: MIT
// What the dream raises: a weighted sum over targets of what is made of their activation A over a whole octave, tile by tile:
//
//     mean_square, mean   the mean over positions and channels of w A^2, w A; w: a weight a channel, 1 where it is raised, -1 where it is
//                         lowered, 0 where it is not chosen, unless guidance says more; the mean is over those that are chosen.
//                         With `saturation` S the pseudo-Huber function 2 S^2 (sqrt(1 + A^2 / S^2) - 1) instead of A^2: the same near 0,
//                         and a slope that nears 2 S, so that a feature that is there already does not outgrow all others
//     guide               the mean over positions of the largest dot product with any feature vector of the guide, divided by the channels
//     class               a logit: sum over channels of w * mean over positions of A, plus a bias; w: the classifier's weights of the class
//
// An octave's activation values are shared out among its tiles: each belongs to the tile in whose core the middle of its receptive field
// lies.
#pragma once

#include "common/config/config.h"
#include "common/picture/tiling.h"
#include "kernels/execution/executor.h"

struct feature_match;

// The rule of the way back that `gradient`, `gradient_above` and `gradient_strength` say.
struct gradient_rule objective_gradient_rule(const struct config *config);

struct objective {
    const struct config *config;
    int count;                    // targets
    int rows[CONFIG_TARGETS_MAX]; // of the network table
    struct receptive_field fields[CONFIG_TARGETS_MAX];
    int channels[CONFIG_TARGETS_MAX];
    double counted[CONFIG_TARGETS_MAX]; // channels that the mean is taken over
    double bias;                        // added to the loss
    double target_weights[CONFIG_TARGETS_MAX];
    float *weights[CONFIG_TARGETS_MAX]; // [channels]
    struct feature_match *guides[CONFIG_TARGETS_MAX];
    int only; // target that alone counts, in every octave; -1: those do that the configuration says
};

// STATUS_USAGE where the network has no such layer. `config` is borrowed. `weights`: the flat array of weights.h, with a top of `classes`
// classes; only the class objective reads it. Destroy it also after a failure.
enum status objective_init(struct objective *objective, const struct config *config, const float *weights, int classes) MUST_CHECK;
void objective_destroy(struct objective *objective);

// The same with weights of channels of its own; all else is borrowed. Destroy it also after a failure.
enum status objective_copy(struct objective *own, const struct objective *from) MUST_CHECK;
void objective_copy_destroy(struct objective *own);

// A copy that raises one channel of one target alone.
enum status objective_copy_channel(struct objective *own, const struct objective *from, int target, int channel) MUST_CHECK;

// The targets of `config` as rows of the network table, their receptive fields and channels, and no more: enough for tile rules.
enum status objective_find_targets(struct objective *objective, const struct config *config) MUST_CHECK;

// The guide's features for the guide objective: the targets' activations after executor_forward() on it.
enum status objective_set_guide(struct objective *objective, struct executor *executor) MUST_CHECK;

// Of octave `octave` of `count`: targets that are confined to others have the weight 0. Without it all count, as in a picture of one
// octave.
void objective_enter_octave(struct objective *objective, int octave, int count);

// The target behind all others; behind all others whose weight is not 0, -1 if there is none.
int objective_deepest(const struct objective *objective);
int objective_deepest_counting(const struct objective *objective);

// One tile of an octave as the network sees it.
struct objective_view {
    const struct tile *tile;
    int width, height; // of the octave
    int dy, dx;        // the octave is rolled by this
    double values[CONFIG_TARGETS_MAX];
};

// Values of each target that the loss is a mean of, for an octave of width x height.
void objective_values(const struct objective *objective, int width, int height, double values[CONFIG_TARGETS_MAX]);

// The positions of a target that belong to a tile, in the octave's grid, and in that of the tile's window.
struct rectangle objective_positions(const struct objective *objective, int target, const struct tile *tile, int width, int height);
struct rectangle objective_window_positions(const struct objective *objective, int target, const struct objective_view *view);

// After executor_forward() on a tile's window: the sums over this tile's positions that the loss is made of. Sums run in a fixed order for
// any number of threads.
enum status objective_sums(const struct objective *objective, struct executor *executor, const struct objective_view *view,
                           double sums[CONFIG_TARGETS_MAX]) MUST_CHECK;

// The loss from the sums over all tiles: of each target, without its weight, and their weighted sum.
double objective_loss(const struct objective *objective, const double sums[CONFIG_TARGETS_MAX], const double values[CONFIG_TARGETS_MAX],
                      double target_loss[CONFIG_TARGETS_MAX]);

// After objective_sums(): overwrites each target's activation, all of it, with d loss / d A.
void objective_gradient(const struct objective *objective, struct executor *executor, const struct objective_view *view);
