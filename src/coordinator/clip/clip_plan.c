// SPDX-License-Identifier: MIT
#include "coordinator/clip/clip_plan.h"

#include "media/video/video_part.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct clip_plan clip_plan_make(const struct config *config, int64_t frames, bool whole)
{
    const int64_t segments = whole ? 1 : (frames + config->motion.segment / 2) / config->motion.segment;
    struct clip_plan plan = {.frames = frames, .segments = segments > 1 ? (int)segments : 1, .lead = config->motion.lead};
    plan.fade = (int)least(config->motion.fade, frames / plan.segments / 2);
    return plan;
}

// The first frame that a segment owns; of segment plan->segments: behind the last.
static int64_t begin_of(const struct clip_plan *plan, int segment)
{
    return (int64_t)((double)plan->frames * segment / plan->segments);
}

struct clip_range clip_plan_dreamed(const struct clip_plan *plan, int segment)
{
    const int64_t begin = begin_of(plan, segment);
    return (struct clip_range){begin - least(begin, plan->lead), begin_of(plan, segment + 1)};
}

struct clip_range clip_plan_range(const struct clip_plan *plan, int segment, enum clip_kind kind)
{
    const bool first = segment == 0, last = segment == plan->segments - 1;
    const int64_t begin = begin_of(plan, segment), end = begin_of(plan, segment + 1);
    switch (kind) {
    case CLIP_LEAD:
    case CLIP_JOINT:
        return (struct clip_range){begin - (first ? 0 : plan->fade), begin};
    case CLIP_BODY:
        return (struct clip_range){begin, end - (last ? 0 : plan->fade)};
    default:
        return (struct clip_range){end - (last ? 0 : plan->fade), end};
    }
}

int clip_plan_groups(struct clip_range range)
{
    return (int)((range.end - range.begin + VIDEO_GROUP - 1) / VIDEO_GROUP);
}

struct clip_range clip_plan_group(struct clip_range range, int group)
{
    const int64_t begin = range.begin + (int64_t)group * VIDEO_GROUP;
    return (struct clip_range){begin, least(begin + VIDEO_GROUP, range.end)};
}

bool clip_plan_kind(const struct clip_plan *plan, int segment, int64_t frame, enum clip_kind *kind)
{
    static const enum clip_kind kinds[] = {CLIP_LEAD, CLIP_BODY, CLIP_TAIL};
    for (int i = 0; i < 3; i++) {
        const struct clip_range range = clip_plan_range(plan, segment, kinds[i]);
        *kind = kinds[i];
        if (frame >= range.begin && frame < range.end)
            return true;
    }
    return false;
}

int64_t clip_plan_total(const struct clip_plan *plan)
{
    int64_t total = 0;
    for (int k = 0; k < plan->segments; k++) {
        const struct clip_range range = clip_plan_dreamed(plan, k);
        total += range.end - range.begin;
    }
    return total;
}
