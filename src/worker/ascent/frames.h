// SPDX-License-Identifier: MIT
// Frames of the videos: what a team sends of an image while it is being dreamed. A frame is what has been dreamed so far, the image minus
// the original at its size, for the coordinator to add to the sharp original (octaves.detail), or the image itself. It is as large as the
// octave, or as the video where that is smaller.
#pragma once

#include "common/picture/heat.h"
#include "worker/team/outbox.h"
#include "worker/team/slab.h"
#include "worker/team/team.h"

struct frames {
    const struct config *config;
    struct team *team;
    struct outbox *outbox;
    int64_t image;
    int video_width, video_height;
    int count; // sent so far
};

// Whether the configuration wants any; `number` of all steps so far: whether this step has one.
bool frames_are_on(const struct config *config);
bool frames_are_due(const struct config *config, int number);
// Frames that the steps before this one have.
int frames_before(const struct config *config, int number);

// For an image of width x height.
void frames_init(struct frames *frames, const struct config *config, struct team *team, struct outbox *outbox, int64_t image, int width,
                 int height);

// What a frame shows besides the image, where it is from.
struct frame_view {
    int octave, step;       // the image before this step
    const struct heat *cam; // NULL: none
    double scale;           // of cam_make()
};

// Collective. Sends `image`, minus `base` if that is not NULL, and from the first member the map.
enum status frames_send(struct frames *frames, const struct slab *image, const struct slab *base, const struct frame_view *view) MUST_CHECK;
