// SPDX-License-Identifier: MIT
// A clip cut into segments, which are dreamed side by side, and each segment's frames into groups, which are encoded by themselves: pure
// functions of the number of frames and the configuration.
//
// Segment k *owns* frames in a row. It begins `lead` frames before them, so that its dream is ripe by then. The last `fade` frames of an
// owner, but of the last one, are dreamed twice: by it, as its tail, and by the next segment, as its lead; the clip has there what is made
// of both, the joint.
//
//     segment k-1   ... body ......................][ tail ]
//     segment k                     (lead-in, not kept)[ lead ][ body ...
//     the clip      ... body of k-1 ...............][ joint ][ body of k ...
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/config/config.h"

enum clip_kind { CLIP_LEAD = 'l', CLIP_BODY = 'b', CLIP_TAIL = 't', CLIP_JOINT = 'j' };

struct clip_plan {
    int64_t frames; // >= 1
    int segments, lead, fade;
};

struct clip_range { // of frames
    int64_t begin, end;
};

// `whole`: in one segment.
struct clip_plan clip_plan_make(const struct config *config, int64_t frames, bool whole);

struct clip_range clip_plan_dreamed(const struct clip_plan *plan, int segment); // all, from its lead-in on
struct clip_range clip_plan_range(const struct clip_plan *plan, int segment, enum clip_kind kind);

// Of a range: how many groups, and the frames of one.
int clip_plan_groups(struct clip_range range);
struct clip_range clip_plan_group(struct clip_range range, int group);

// What a frame that the segment dreams is kept as; false: it is of the lead-in.
bool clip_plan_kind(const struct clip_plan *plan, int segment, int64_t frame, enum clip_kind *kind);

// All frames that are dreamed, those of two segments twice.
int64_t clip_plan_total(const struct clip_plan *plan);
