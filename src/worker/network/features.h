// SPDX-License-Identifier: MIT
// What is kept of one pass of the network over an octave: the targets' activations, and gradients of the loss with respect to them, at the
// positions that belong to this member's tiles. Metrics, class activation maps and importance are made from it.
#pragma once

#include "common/picture/heat.h"
#include "common/picture/tiling.h"
#include "kernels/onednn/onednn.h"
#include "worker/network/objective.h"
#include "worker/team/team.h"

// Of one tile and target: float32 in blocks of channels, (channels / block, at.height, at.width, block).
struct feature {
    struct rectangle at; // positions in the octave's grid
    int channels, block;
    float *activation;
    float *gradient; // d loss / d A; NULL where it is not wanted
};

struct features {
    const struct objective *objective;
    struct team *team;
    const struct tiling *tiling; // its tiles are shared out by tiling_share()
    struct span mine;            // this member's
    struct feature *items;       // (mine, targets)
};

// `gradients`: bit t for each target whose gradient is wanted. All arguments outlive it. Not collective. Destroy it also after a failure.
enum status features_create(struct features *features, const struct objective *objective, struct team *team, const struct tiling *tiling,
                            unsigned gradients) MUST_CHECK;
void features_destroy(struct features *features);

// `tile` is one of this member's.
static inline struct feature *features_at(const struct features *features, int tile, int target)
{
    return &features->items[(tile - features->mine.begin) * features->objective->count + target];
}

// Copies what belongs to a tile out of a tensor over its window; a gradient only where it is wanted.
void features_keep_activation(struct features *features, int tile, int target, const struct tensor *activation);
void features_keep_gradient(struct features *features, int tile, int target, const struct tensor *gradient);

// Positions of the whole octave.
struct heat_grid features_grid(const struct features *features, int target, int dy, int dx);

// Collective: sums over the positions of the octave of `width` values that `add` makes of a feature: sums[k] += ... for one tile. Tile by
// tile in order, so that they do not depend on who has which tile.
enum status features_sum(const struct features *features, int target, int width,
                         void (*add)(const struct feature *, double *sums, const void *given), const void *given, double *sums) MUST_CHECK;

// For `add`: sums[c] += what `of` makes of activation, gradient and given[c], over the positions. Each channel in its own lane.
static inline void features_add(const struct feature *feature, double *sums, double (*of)(float, float, double), const double *given)
{
    const size_t positions = (size_t)feature->at.width * (size_t)feature->at.height;
    const int block = feature->block;
#pragma omp parallel for schedule(static)
    for (int b = 0; b < feature->channels / block; b++) {
        const float *a = feature->activation + (size_t)b * positions * (size_t)block;
        const float *g = feature->gradient ? feature->gradient + (size_t)b * positions * (size_t)block : a;
        double lanes[ONEDNN_BLOCK_MAX] = {0};
        for (size_t p = 0; p < positions; p++, a += block, g += block)
            for (int c = 0; c < block; c++)
                lanes[c] += of(a[c], g[c], given ? given[b * block + c] : 0);
        for (int c = 0; c < block; c++)
            sums[b * block + c] += lanes[c];
    }
}
