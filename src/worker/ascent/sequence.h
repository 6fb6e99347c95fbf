// SPDX-License-Identifier: MIT
// Frames in a row, each dreamed from the one before, by a team: of a video, or of a zoom.
//
// A frame's dream begins at the frame plus the detail of the dream before it, moved by a field (common/motion/field.h), times the field's
// trust, times `keep`; a first frame, and one behind a cut, at the frame alone. Detail is the dream minus its frame. Of a zoom the frame is
// nothing, so that all of the picture is detail.
#pragma once

#include "common/motion/field.h"
#include "worker/network/image_job.h"

struct sequence_rule {
    int steps;                           // updates of each octave of a frame that has one before it; the others have the configuration's
    double keep;                         // of the older detail, 0..1
    double haste;                        // how much stronger the gradient is where nothing has been dreamed yet, 1 and more; needs flow
    const struct frame_colours *colours; // that older detail is held to; NULL: to none
    int flow_pixels; // of the frames that the flow is found on, at most; they are shrunk to that. 0: there is no flow, but known fields
};

struct sequence;

// `job`: of the team, with its hooks, but that nothing is kept on the way and nothing filmed; it outlives the sequence, as `rule` does.
// Destroy it also after a failure.
enum status sequence_create(struct sequence **sequence, struct image_job *job, const struct sequence_rule *rule, int width,
                            int height) MUST_CHECK;
void sequence_destroy(struct sequence **sequence);

// Collective: dreams the next frame. `rows`: this member's rows of it, which become those of its dream. `known`: the field, the same on all
// members; NULL: the flow's, or, of a first frame, none. A failure or a stop ends the sequence; *outcome is dream_image()'s,
// but for its seconds, which are of all.
enum status sequence_next(struct sequence *sequence, struct slab *rows, const struct field *known, struct frame_facts *facts,
                          struct image_outcome *outcome) MUST_CHECK;

// How far each pixel of the last frame is dreamed, [sequence_grid()], 0..1, all rows, alike on all members: to be taken up with it. NULL
// where the rule knows no haste.
const float *sequence_ripe(const struct sequence *sequence);
size_t sequence_grid(const struct sequence *sequence);

// Collective: goes on behind a frame that was dreamed earlier: this member's rows of the frame and of its dream, and how far it was
// dreamed, which stay the caller's.
enum status sequence_take_up(struct sequence *sequence, const struct slab *frame, const struct slab *dream, const float *ripe) MUST_CHECK;
