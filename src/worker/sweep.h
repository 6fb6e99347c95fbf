// SPDX-License-Identifier: MIT
// One pass of the network over all tiles of an octave, by the members of a team.
#ifndef ONEIROS_WORKER_SWEEP_H
#define ONEIROS_WORKER_SWEEP_H

#include "worker/engine.h"
#include "worker/field.h"
#include "worker/objective.h"
#include "worker/team.h"

struct sweep;

struct sweep_options {
    struct team *team;
    struct engine *engine;
    const struct objective *objective;
    const struct tile_rules *rules;
    int width, height; // of the octave
    int margin;        // rows that the gradient is wanted for above and below a member's own
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

// Collective. `image` holds this member's rows and is seen rolled by (dy, dx). Gives the losses of the octave and, if `gradient` is not
// NULL, its gradient d loss / d image on sweep_gradient_rows(), unrolled; `scratch` holds the same rows. *flag: see team_sum().
enum status sweep_run(struct sweep *sweep, const struct field *image, int dy, int dx, struct field *gradient, struct field *scratch,
                      double *loss, double target_loss[CONFIG_TARGETS_MAX], bool *flag) MUST_CHECK;

#endif
