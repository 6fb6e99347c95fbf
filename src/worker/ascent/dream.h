// SPDX-License-Identifier: MIT
// The ascent of one image through its octaves, by a team.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/config/config.h"
#include "common/wire/run_rows.h"
#include "worker/network/engine.h"
#include "worker/team/outbox.h"
#include "worker/team/slab.h"
#include "worker/team/team.h"

struct dream_options {
    struct team *team;
    struct engine *engine;
    const struct objective *objective; // with the configuration
    const struct tile_rules *rules;
    struct outbox *outbox; // takes frames and the importance of channels; NULL: nobody wants them
    struct slab *others;   // [other_count] this member's rows of other pictures of the run, as baselines of expected gradients; consumed
    int other_count;
    int64_t image;                                              // id, keys its random numbers
    void (*step)(const struct step_row *record, void *context); // after each step, on the team's first member
    void (*part)(double pixels, void *context); // there too, now and then in a step of several tiles: pixels of the octave done
    bool (*stop)(void *context); // asked once before the first step and once in each: end behind it? One member's word is enough.
    bool (*save)(void *context); // asked in each step on the team's first member: is it time to keep the state? NULL: it never is
    // Called on every member with its rows of the octave where that is so, and where the dream ends early. Is the state of a step or some
    // before, where guidance does not look at each: what came from later steps will come again. NULL: nobody wants it.
    enum status (*keep)(const struct dream_state *state, const struct slab *rows, void *context);
    const struct dream_state *from; // go on from here; NULL: begin
    struct slab *dreamed;           // this member's rows of the dream in that state; consumed
    void *context;
};

struct dream_outcome {
    struct picture_metrics before, after; // of the picture at full size; `after` is unknown when stopped
    double seconds;
    bool stopped; // ended early; the picture holds what was dreamed so far
    bool broken;  // failed, and other members may still wait for this one: nothing more can be done with this team
};

// Collective over the team. Dreams on `rgb`, this member's rows (tiling_rows) of the image, in [-1, 1], in place; its memory may be another
// one afterwards, and after a failure there is none. The hook `stop` is asked once more at the end, to no effect.
enum status dream_image(const struct dream_options *options, struct slab *rgb, struct dream_outcome *outcome) MUST_CHECK;
