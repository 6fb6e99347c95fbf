// SPDX-License-Identifier: MIT
// One image's work by a team, whether it is dreamed (ascent/dream.h) or explained (look/explain.h): what it is done with, who hears of it
// on the way, what comes of it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/picture/mask.h"
#include "common/wire/run_rows.h"
#include "worker/network/engine.h"
#include "worker/network/objective.h"
#include "worker/team/outbox.h"
#include "worker/team/slab.h"
#include "worker/team/team.h"

struct image_job {
    struct team *team;
    struct engine *engine;
    struct engine *randomised;         // the network untrained, for explanations; NULL: not wanted
    const struct objective *objective; // with the configuration
    const struct tile_rules *rules;
    const struct mask *mask; // of dreams; NULL: none
    const struct mask *pace; // of a frame among others: its gradient is `haste` times as strong where this is white; NULL: nowhere
    float haste;
    struct outbox
        *outbox;      // takes frames, maps, the importance of channels, and is kept moving while the network runs; NULL: nobody wants them
    int64_t image;    // id
    uint64_t picture; // keys its random numbers (rng.h)
    struct slab *others; // [other_count] this member's rows of other pictures of the run, as baselines of expected gradients; consumed
    int other_count;
    const struct dream_state *from; // a dream: go on from here; NULL: begin
    struct slab *dreamed;           // this member's rows of the dream in that state; consumed
    bool peaks;                     // ARRAY_PEAKS is wanted
    int steps;                      // of a dream: updates of each octave; 0: as many as the configuration says
    bool bare; // a dream of a frame among others (ascent/sequence.h): it is not filmed, and nothing is found out about it but its metrics
    bool stopping; // any member was asked to stop: from then on true on all of them, as soon as they have summed something up (team_sum)

    // Hooks; all but `stop` may be NULL where nobody wants to know.
    void *context;
    void (*step)(const struct step_row *record, void *context); // after each step, on the team's first member
    // There too: pixels of the octave done, now and then in a step of several tiles; of an explanation: seen by all passes so far.
    void (*part)(double pixels, void *context);
    bool (*stop)(void *context); // asked once before the first step and once in each: end behind it? One member's word is enough.
    bool (*save)(void *context); // asked in each step on the team's first member: is it time to keep the state?
    // Called on every member with its rows of the octave where that is so, and where the dream ends early. Is the state of a step or some
    // before, where guidance does not look at each: what came from later steps will come again.
    enum status (*keep)(const struct dream_state *state, const struct slab *rows, void *context);
};

struct image_outcome {
    struct picture_metrics before, after; // of the picture at full size; `after` is unknown when stopped, and of an explanation
    double seconds;
    bool stopped; // ended early; a dream holds what was dreamed so far
    bool broken;  // failed, and other members may still wait for this one: nothing more can be done with this team
};

// Asks this member's `stop` unless it is stopping already. The others hear with the next team_sum() of the job.
static inline void image_job_ask(struct image_job *job)
{
    job->stopping = job->stopping || job->stop(job->context);
}
