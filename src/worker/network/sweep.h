// SPDX-License-Identifier: MIT
// One pass of the network over all tiles of an octave, by the members of a team.
#pragma once

#include "worker/network/features.h"
#include "worker/network/image_job.h"

struct sweep;

// For an octave of width x height; `margin`: rows that the gradient is wanted for above and below a member's own. The job outlives the
// sweep. Not collective: a failure is this member's.
enum status sweep_create(struct sweep **sweep, struct image_job *job, int width, int height, int margin) MUST_CHECK;
void sweep_destroy(struct sweep **sweep);

// Members have shares of its tiles (tiling_share).
const struct tiling *sweep_tiling(const struct sweep *sweep);

struct sweep_pass {
    const struct slab *image;          // this member's rows
    int dy, dx;                        // the network sees it rolled by this
    const struct objective *objective; // the job's but for weights: of targets, and, in the gradients alone, of channels; NULL: the job's
    struct gradient_rule rule;         // of the way back
    struct slab *gradient, *scratch;   // NULL: not wanted; else both on this member's rows and the margin around them (tiling_grown)
    struct features *features;         // NULL: not wanted; else made for this sweep
    bool parts;                        // image_job.part hears of each tile of the first member
};

struct sweep_losses {
    double total;
    double targets[CONFIG_TARGETS_MAX];
};

// Collective. Gives the losses of the octave, with the channels' weights of the job's objective, its gradient d loss / d image, unrolled,
// and what the features ask for: without a gradient of the image the network goes back no further than to the targets whose gradients they
// keep. All hear whether the job is stopping.
enum status sweep_run(struct sweep *sweep, const struct sweep_pass *pass, struct sweep_losses *losses) MUST_CHECK;

// What is done with a tile's window instead, once it is in executor_image(): `tile` is its number among this member's, from 0.
typedef enum status sweep_visit(void *context, int tile, struct executor *executor, const struct objective_view *view);

// Collective: brings the windows of all of this member's tiles into the executor, one after the other, in any order. The network has not
// run.
enum status sweep_tiles(struct sweep *sweep, const struct slab *image, sweep_visit *visit, void *context) MUST_CHECK;
