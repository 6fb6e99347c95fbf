// SPDX-License-Identifier: MIT
// Frames of the videos: what a team sends of an image while it is being dreamed. A frame is what has been dreamed so far, the image minus
// the original at its size, for the coordinator to add to the sharp original (octaves.detail), or the image itself. It is as large as the
// octave, or as the video where that is smaller.
#pragma once

#include "common/picture/heat.h"
#include "worker/network/image_job.h"

struct frames {
    const struct image_job *job;
    const struct config *config;
    int video_width, video_height;
    int count; // sent so far
};

// Whether the job wants any; `number` of all steps so far: whether this step has one.
bool frames_are_on(const struct frames *frames);
bool frames_are_due(const struct frames *frames, int number);

// For an image of width x height.
void frames_init(struct frames *frames, const struct image_job *job, int width, int height);

// Counts the frames of the first `number` steps as sent.
void frames_skip(struct frames *frames, int number);

// What a frame shows besides the image, where it is from.
struct frame_view {
    int octave, step;       // the image before this step
    const struct heat *cam; // sent where the configuration wants it in the frames
    double scale;           // of cam_make()
};

// Collective. Sends `image`, minus `base` where only the detail is dreamed, and from the first member the map.
enum status frames_send(struct frames *frames, const struct slab *image, const struct slab *base, const struct frame_view *view) MUST_CHECK;
