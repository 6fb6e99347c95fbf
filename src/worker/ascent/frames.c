// SPDX-License-Identifier: MIT
#include "worker/ascent/frames.h"

#include "common/picture/geometry.h"
#include "common/system/clock.h"
#include "worker/team/rescale.h"

void frames_init(struct frames *f, const struct image_job *job, int width, int height)
{
    *f = (struct frames){.job = job, .config = job->objective->config};
    geometry_video(width, height, f->config->video.max_side, &f->video_width, &f->video_height);
}

bool frames_are_on(const struct frames *f)
{
    return f->job->outbox && !f->job->bare && (f->config->frames.cam || f->config->frames.dream);
}

bool frames_are_due(const struct frames *f, int number)
{
    return frames_are_on(f) && number % f->config->frames.every == 0;
}

void frames_skip(struct frames *f, int number)
{
    f->count = (number + f->config->frames.every - 1) / f->config->frames.every;
}

// The frame's own rows, at the video's size where that is smaller.
static enum status make_frame(const struct frames *f, const struct slab *image, const struct slab *base, struct slab *frame)
{
    struct team *team = f->job->team;
    TRY(team_agree(team, slab_copy(frame, image)));
    if (f->config->octaves.detail)
        slab_add(frame, base, -1);
    if (image->width <= f->video_width && image->height <= f->video_height)
        return STATUS_OK;
    struct slab whole = *frame;
    const enum status rc = rescale(team, &whole, f->video_width, f->video_height, frame);
    slab_destroy(&whole);
    return rc;
}

enum status frames_send(struct frames *f, const struct slab *image, const struct slab *base, const struct frame_view *view)
{
    const struct image_job *job = f->job;
    struct array_part part = {.image = job->image, .target = -1, .frame = f->count, .octave = view->octave, .step = view->step};
    const double start = now();
    struct slab frame = {0};
    enum status rc;
    TRY_OUT(make_frame(f, image, base, &frame));
    if (job->team->rank == 0 && f->config->frames.cam) {
        struct array_part map = part;
        map.kind = ARRAY_HEAT;
        map.grid = view->cam->grid;
        map.facts[0] = view->scale;
        TRY_OUT(outbox_send_whole(job->outbox, map, 1, map.grid.height, map.grid.width, view->cam->values));
    }
    part.kind = ARRAY_FRAME;
    part = array_part_rows(part, &frame, 3);
    rc = outbox_send(job->outbox, &part, frame.data);
    frame.data = NULL; // the outbox frees it
    f->count++;
out:
    slab_destroy(&frame);
    timing_add(job->team->timing, PHASE_ATTRIBUTION, start, 0);
    return rc;
}
