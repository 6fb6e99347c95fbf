// SPDX-License-Identifier: MIT
// How many ranks an image gets. Pure functions over a model of what an image costs.
//
// The cost of an image on a team is the number of pixels that its slowest member pushes through the network, forward and backward: each
// octave's tiles are shared out, so that a team of n takes ceil(tiles / n) windows a step. A pass forward alone counts half; there is one
// before the first step and one after the last, over the image itself.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/config/config.h"
#include "common/picture/tiling.h"

// What holds for all images of a run.
struct schedule {
    const struct config *config;
    struct tile_rules tiles;
    int min_side;          // pixels, of an image that can be dreamed
    double feature_bytes;  // of all targets' activations for a pixel of an octave
    double window_bytes;   // memory that the network needs for a pixel of its window
    double mask_bytes;     // of the mask, that a worker holds all along; 0: there is none
    uint64_t memory_limit; // bytes, of the worker that may use least
    int workers;           // ranks that dream, >= 1
};

struct schedule_image {
    int width, height; // pixels
    bool whole;        // looked at, or explained, and not dreamed: without octaves
};

// Tiles of the largest octave, and pixels that the network sees divided by pixels of all octaves. STATUS_LIMIT where the image can't be
// cut or is too small.
enum status schedule_tiles(const struct schedule *schedule, struct schedule_image image, int *tiles, double *redundancy) MUST_CHECK;

// Cost of an image on a team of `members`; see above. STATUS_LIMIT as schedule_tiles().
enum status schedule_cost(const struct schedule *schedule, struct schedule_image image, int members, double *cost) MUST_CHECK;

// Bytes that one member needs beside the weights, at the worst moment: network, its slabs, what it exchanges. Rather too much
// than too little. Twice the members need less each, as long as there are tiles for all; but a rank alone exchanges nothing, and of a
// window that is larger than all of a member's rows it exchanges most. INFINITY where the image can't be cut into tiles.
double schedule_memory(const struct schedule *schedule, struct schedule_image image, int members);

// The smallest team in which every member has memory enough; 0 if there is none up to schedule->workers.
int schedule_least(const struct schedule *schedule, struct schedule_image image);

// With how many pictures expected gradients compare one, at most.
int schedule_baselines(const struct config *config);

// What is known when an image is about to be placed.
struct schedule_state {
    const double *busy;                   // [workers] cost that each still has before it; 0: free
    const struct schedule_image *waiting; // [waiting_count], largest cost first; the first is the one to be placed
    int waiting_count;                    // >= 1
    int64_t coming;                       // further images, sizes unknown: taken to be like the middle one of those waiting; -1: many
};

// Ranks for waiting[0]; the caller waits until so many are free. 0 if memory suffices in no team.
//   - config->team.size, if set; at most all workers, at least what memory demands.
//   - Where so much is left to do that no worker will want for work while this image is dreamed: schedule_least(). Small teams waste least.
//   - Otherwise the number that makes the whole set, as far as it is known, end soonest; the smallest of those within 1% of it.
int schedule_team(const struct schedule *schedule, const struct schedule_state *state);
