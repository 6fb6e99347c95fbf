// SPDX-License-Identifier: MIT
// The frames of one image while it is being dreamed, made and encoded on a thread of its own, so that who receives them never waits for an
// encoder (only for room, when frames come faster than they can be encoded).
//
// As configured by frames.* and video.*, in the folder of the image:
//   dream.mp4, dream/0000.png ...        the dream as it grows; the number is the frame's
//   cam.mp4, cam/0000.png ...            the running mean of the maps over each frame that has one (video.steadiness)
//   cam.png                              the last map, as it came, over its frame
// all of geometry_video()'s size. Each file is complete or absent. Where FFmpeg has no H.264 encoder (video_check) there are no videos, but
// all the rest.
#ifndef ONEIROS_COORDINATOR_FILM_H
#define ONEIROS_COORDINATOR_FILM_H

#include <stdbool.h>

#include "common/config.h"
#include "common/heat.h"
#include "common/status.h"
#include "coordinator/checkpoint.h"

struct film_options {
    const char *folder;          // is there
    const struct config *config; // outlives the film
    int width, height;           // pixels of the image
    const float *rgb;            // (3, height, width), the image; the film keeps a copy of the video's size. NULL: no frame is detail
    struct saved_reader *saved;  // goes on from there, with a frame at least: what film_save() has put behind a checkpoint. NULL: begins
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

// Removes what earlier films left in the folder. On failure *film is NULL.
enum status film_create(struct film **film, const struct film_options *options) MUST_CHECK;

// Takes what the frame owns, in any case, and zeroes it. A few frames wait at most: when that many do, it blocks until there is room.
// Fails only for a frame that makes no sense; what goes wrong later is film_finish()'s to say.
enum status film_add(struct film *film, struct film_frame *frame) MUST_CHECK;

// Writes a checkpoint with what the film is made of so far, behind the frames that have been added. Takes what `checkpoint` owns, in any
// case, and waits as film_add() does. What cannot be written is a warning: the last one stays.
enum status film_save(struct film *film, const char *path, struct checkpoint *checkpoint) MUST_CHECK;

// No more frames will come. Returns at once; what is there goes on being written.
void film_end(struct film *film);

// Whether all is written after film_end(), or has failed: film_finish() does not wait any more.
bool film_is_done(struct film *film);

// Waits until all is written, and frees the film in any case. The first error that any frame met is returned here; the frames after it were
// dropped.
enum status film_finish(struct film **film) MUST_CHECK;

// Leaves nothing in the folder. NULL is fine.
void film_abandon(struct film **film);

void film_frame_destroy(struct film_frame *frame);

#endif
