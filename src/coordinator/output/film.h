// SPDX-License-Identifier: MIT
// The frames of one image while it is being dreamed.
//
// As configured by frames.* and video.*, in the folder of the image:
//   dream.mp4, dream/0000.png ...        the dream as it grows; the number is the frame's
//   cam.mp4, cam/0000.png ...            the running mean of the maps over each frame that has one (video.steadiness)
// all of geometry_video()'s size, and of the picture's own
//   cam.png                              the last map, as it came, over the dream
// Each file is complete or absent. Where FFmpeg has no H.264 encoder (video_check) there are no videos, but
// all the rest.
#pragma once

#include <stdbool.h>

#include "common/config/config.h"
#include "common/picture/heat.h"
#include "common/picture/image.h"
#include "common/system/status.h"
#include "common/wire/record_file.h"

struct film_options {
    const char *folder;          // is there
    bool fresh;                  // and nothing is in it
    const struct config *config; // outlives the film
    int width, height;           // pixels of the image
    const float *rgb;            // (3, height, width), the image; the film keeps a copy of the video's size. NULL: no frame is detail
    struct record_reader *saved; // goes on from there, with a frame at least: what film_save() has written. NULL: begins
};

struct film_frame {
    int number;        // rises from frame to frame
    int width, height; // pixels; at most the video's size
    bool detail;       // the values are what was added to the image at this size; otherwise the picture itself
    float *values;     // (3, height, width), from malloc
    struct heat heat;  // 0..1; without values: no map
};

struct film;

// Removes what earlier films left in the folder, which need not be there.
enum status film_remove(const char *folder) MUST_CHECK;

// Removes frames that earlier films left in the folder. On failure *film is NULL.
enum status film_create(struct film **film, const struct film_options *options) MUST_CHECK;

// Takes what the frame owns, in any case, and zeroes it. One whose number was there before is left out: a dream that was taken up again
// sends some twice, the same each time. After a failure the film is of no use but to be abandoned.
enum status film_add(struct film *film, struct film_frame *frame) MUST_CHECK;

// What the film, a struct film, is made of so far, for film_options.saved.
void film_save(void *film, struct record_writer *writer);

// Writes what is only known at the end, the videos among it, removes what earlier films left, and frees the film in any case. `dream`: the
// picture as it has become, for cam.png; NULL: there is none.
enum status film_finish(struct film **film, const struct image *dream) MUST_CHECK;

// Frees it. The frames that are in the folder stay, for a film that goes on from film_save(). NULL is fine.
void film_leave(struct film **film);

// Leaves nothing in the folder. NULL is fine.
void film_abandon(struct film **film);

void film_frame_destroy(struct film_frame *frame);
