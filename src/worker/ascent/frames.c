// SPDX-License-Identifier: MIT
#include "worker/ascent/frames.h"

#include <stdlib.h>
#include <string.h>

#include "common/picture/geometry.h"
#include "common/system/clock.h"
#include "worker/team/rescale.h"

bool frames_are_on(const struct config *config)
{
    return config->frames.cam || config->frames.dream;
}

bool frames_are_due(const struct config *config, int number)
{
    return frames_are_on(config) && number % config->frames.every == 0;
}

int frames_before(const struct config *config, int number)
{
    return frames_are_on(config) ? (number + config->frames.every - 1) / config->frames.every : 0;
}

void frames_init(struct frames *frames, const struct config *config, struct team *team, struct outbox *outbox, int64_t image, int width,
                 int height)
{
    *frames = (struct frames){.config = config, .team = team, .outbox = outbox, .image = image};
    geometry_video(width, height, config->video.max_side, &frames->video_width, &frames->video_height);
}

// image - base, or a copy of the image.
static enum status subtract(struct team *team, const struct slab *image, const struct slab *base, struct slab *difference)
{
    const size_t count = slab_count(image);
    TRY(team_agree(team, slab_create(difference, image->width, image->height, image->rows)));
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++)
        difference->data[i] = image->data[i] - (base ? base->data[i] : 0);
    return STATUS_OK;
}

static enum status send_map(struct frames *f, const struct frame_view *view)
{
    const struct heat_grid *grid = &view->cam->grid;
    const size_t bytes = (size_t)grid->width * (size_t)grid->height * sizeof(float);
    const struct array_part part = {.image = f->image,
                                    .kind = ARRAY_HEAT,
                                    .target = -1,
                                    .frame = f->count,
                                    .octave = view->octave,
                                    .step = view->step,
                                    .channels = 1,
                                    .height = grid->height,
                                    .width = grid->width,
                                    .rows = grid->height,
                                    .columns = grid->width,
                                    .grid = *grid,
                                    .facts = {view->scale}};
    float *values = malloc(bytes);
    if (!values)
        return fail(STATUS_LIMIT, "no memory to send a class activation map");
    memcpy(values, view->cam->values, bytes);
    return outbox_send(f->outbox, &part, values);
}

enum status frames_send(struct frames *f, const struct slab *image, const struct slab *base, const struct frame_view *view)
{
    const bool larger = image->width > f->video_width || image->height > f->video_height;
    const double start = now();
    struct slab frame = {0};
    enum status rc;
    TRY_OUT(subtract(f->team, image, base, &frame));
    if (larger) {
        struct slab whole = frame;
        rc = rescale(f->team, &whole, f->video_width, f->video_height, &frame);
        slab_destroy(&whole);
        if (rc != STATUS_OK)
            goto out;
    }
    const struct array_part part = {.image = f->image,
                                    .kind = ARRAY_FRAME,
                                    .target = -1,
                                    .frame = f->count,
                                    .octave = view->octave,
                                    .step = view->step,
                                    .channels = 3,
                                    .height = frame.height,
                                    .width = frame.width,
                                    .y = frame.rows.begin,
                                    .rows = frame.rows.end - frame.rows.begin,
                                    .columns = frame.width};
    if (f->team->rank == 0 && view->cam)
        TRY_OUT(send_map(f, view));
    rc = outbox_send(f->outbox, &part, frame.data);
    frame.data = NULL; // the outbox frees it
    f->count++;
out:
    slab_destroy(&frame);
    timing_add(f->team->timing, PHASE_ATTRIBUTION, start, 0);
    return rc;
}
