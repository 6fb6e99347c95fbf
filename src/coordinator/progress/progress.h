// SPDX-License-Identifier: MIT
// How far the run is: a bar on a terminal, else a line every half a minute (the first after five seconds), and a summary at the end.
//
// The share done and the time left come from work, not from images: a step of an octave costs as much as it has pixels. No threads:
// the display moves when one of these functions is called, at most ten times a second. One display at a time may be on a terminal, as
// it takes the hooks of the log (common/system/log.h) to get out of the way of its lines.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/system/log.h"
#include "common/system/status.h"

struct progress;

// `total_images`: negative while it is not known. Nothing is ever written to `fd` if `level` is below LOG_INFO.
enum status progress_create(struct progress **progress, int64_t total_images, enum log_level level, int fd) MUST_CHECK;

void progress_set_total(struct progress *progress, int64_t total_images);

// An image's work has become known (pixels of its octaves x steps): once an image. A negative number takes back what will not be done
// of one that failed, so that it does not pass for speed.
void progress_add_work(struct progress *progress, double work);

// So much of it is done.
void progress_advance(struct progress *progress, double work);

// How many images workers have in hand.
void progress_set_in_flight(struct progress *progress, int images);

// An image has come to its end.
void progress_image_done(struct progress *progress, bool ok);

// Lets the display move. Call it often.
void progress_tick(struct progress *progress);

// Takes the display away, writes the summary. A NULL progress is fine.
void progress_destroy(struct progress **progress);
