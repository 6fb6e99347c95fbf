// SPDX-License-Identifier: MIT
// One pass of the network over all tiles of an octave, by the members of a team.
#pragma once

#include "worker/network/engine.h"
#include "worker/network/features.h"
#include "worker/network/objective.h"
#include "worker/team/outbox.h"
#include "worker/team/slab.h"
#include "worker/team/team.h"

struct sweep;

struct sweep_options {
    struct team *team;
    struct engine *engine;
    const struct objective *objective;
    const struct tile_rules *rules;
    struct outbox *outbox; // kept moving while the network runs; or NULL
    int width, height;     // of the octave
    int margin;            // rows that the gradient is wanted for above and below a member's own
    void (*progress)(double done,
                     void *context); // on the first member, after each of several tiles: the part of them that is done; or NULL
    void *context;
};

// Everything in `options` outlives the sweep. Not collective: a failure is this member's.
enum status sweep_create(struct sweep **sweep, const struct sweep_options *options) MUST_CHECK;
void sweep_destroy(struct sweep **sweep);

const struct tiling *sweep_tiling(const struct sweep *sweep);

// Rows that this member holds of the image, and of the gradient.
struct span sweep_rows(const struct sweep *sweep);
struct span sweep_gradient_rows(const struct sweep *sweep);

// Tiles of each member, [team->size].
const struct span *sweep_work(const struct sweep *sweep);

struct sweep_pass {
    const struct slab *image;          // this member's rows
    int dy, dx;                        // the network sees it rolled by this
    const struct objective *objective; // of the gradients; the sweep's own but for the channels' weights
    enum config_gradient rule;         // of the way back, in the layers
    int above;                         // behind this row of the network table; plain up to it
    struct slab *gradient, *scratch;   // NULL: not wanted; else both on sweep_gradient_rows()
    struct features *features;         // NULL: not wanted; else made for this sweep
};

// What is done with each tile's window instead, once it is in executor_image(): `tile` is its number among this member's.
typedef enum status sweep_visit(void *context, int tile, struct executor *executor, const struct objective_view *view);

struct sweep_losses {
    double total;
    double targets[CONFIG_TARGETS_MAX];
};

// Collective. Gives the losses of the octave, those of the sweep's own objective, its gradient d loss / d image, unrolled, and what the
// features ask for: without a gradient of the image the network goes back no further than to the targets whose gradients they keep. *flag:
// see team_sum().
enum status sweep_run(struct sweep *sweep, const struct sweep_pass *pass, struct sweep_losses *losses, bool *flag) MUST_CHECK;

// Collective: brings the windows of all of this member's tiles into the executor, one after the other, in any order. The network has not
// run.
enum status sweep_tiles(struct sweep *sweep, const struct slab *image, sweep_visit *visit, void *context) MUST_CHECK;
