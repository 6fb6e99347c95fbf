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
struct progress_state;

// `total_images`: negative while it is not known. Nothing is ever written to `fd` if `level` is below LOG_INFO.
enum status progress_create(struct progress **progress, int64_t total_images, enum log_level level, int fd) MUST_CHECK;

void progress_set_total(struct progress *progress, int64_t total_images);

// An image's work has become known (pixels of its octaves x steps): once an image. A negative number takes back what will not be done
// of one that failed, so that it does not pass for speed. `dreams`: it is dreamed, not only seen.
void progress_add_work(struct progress *progress, double work, bool dreams);

// So much of it is done.
void progress_advance(struct progress *progress, double work);

// So much of it an earlier session has done, which does not pass for speed. A negative number: so much is lost.
void progress_take_up(struct progress *progress, double work);

// An image, of so much work, that an earlier session has done.
void progress_add_earlier(struct progress *progress, double work, bool dreams);

// An atlas: so many of the images are channels, which are dreamed and are most of the work; the others are seen once, which is taken for so
// much work while that of none is known.
void progress_set_channels(struct progress *progress, int64_t channels, double expected_seen);

// What an earlier session has done of images whose work is not known yet, and the work that an image is expected to be while that of none
// is known.
void progress_set_saved(struct progress *progress, double saved, double expected);

// The run will end before all is done.
void progress_set_stopping(struct progress *progress);

// How many images workers have in hand.
void progress_set_in_flight(struct progress *progress, int images);

// Where the dream of one of them is, while it is the only one, from 0. `octaves` 0: no dream.
struct progress_place {
    int octave, octaves, step, steps;
};
void progress_set_place(struct progress *progress, const char *source, const struct progress_place *place);

// What else there is to wait for: inputs that are being downloaded, or read, and outputs that are being written.
void progress_set_waiting(struct progress *progress, int downloads, int reading, int writing);

// An image has come to its end.
void progress_image_done(struct progress *progress, bool ok);

// How far it is at this moment.
struct progress_state progress_now(struct progress *progress);

// Lets the display move. Call it often.
void progress_tick(struct progress *progress);

// Takes the display away, writes the summary, unless there were no images at all. A NULL progress is fine.
void progress_destroy(struct progress **progress);

// The words of the display: pure functions from a state to a text.

enum { PROGRESS_LINE_MAX = 1024 }; // bytes

// A moment of a run.
struct progress_state {
    int64_t total;        // images; negative while it is not known
    int64_t done, failed; // images
    int64_t earlier;      // of those that are done: by earlier sessions
    int64_t sized;        // images whose work is known
    int in_flight;        // images that workers have in hand
    char name[48];        // of the one in hand; empty: none is known
    struct progress_place place;
    int downloads, reading, writing; // what there is to wait for besides
    double work, advanced;           // steps x pixels: of the sized images, and how much of it is done
    double saved, expected;          // see progress_set_saved()
    int64_t channels, dreams_sized;  // see progress_set_channels(); of the sized images, those that are dreamed
    double dreams_work, expected_seen;
    bool stopping;
    double rate;    // work a second, smoothed; 0 while it is not known
    double elapsed; // seconds
};

// How much of the run is done, 0 to 1, and the seconds that are left; negative where that is not known. Images that nobody has looked
// at yet count as much as the mean of those that are known, in an atlas of those of their kind. Seconds are 1 at least until all images
// have come to their end.
double progress_fraction(const struct progress_state *state);
double progress_seconds_left(const struct progress_state *state);

// Images a second: of the smoothed rate of work, or of the whole run where that is not known.
double progress_image_rate(const struct progress_state *state);

// One line for a terminal of `width` columns, without escape sequences; at most width - 1 columns, as the last one may wrap. The more
// room, the more it says. `utf8`: block characters instead of ASCII.
void progress_format_bar(char text[PROGRESS_LINE_MAX], const struct progress_state *state, int width, bool utf8);

// The same for a log: "37%: 369 of 1000 done, 2 failed, 4 in hand, 2.4 images/s, 4m12s left".
void progress_format_log(char text[PROGRESS_LINE_MAX], const struct progress_state *state);

// After the end, of this session: "998 images in 12m03s (1.4 images/s), 2 failed", "no image is done after 7s" ("no other image", where an
// earlier session did some), "nothing was to be done".
void progress_format_summary(char text[PROGRESS_LINE_MAX], const struct progress_state *state);

// Parts of these words, for others who speak of a run. Each appends; a bar has so many columns and two more.
void progress_append_duration(char text[PROGRESS_LINE_MAX], double seconds); // "4s", "3m12s", "2h05m", "3d04h"
void progress_append_rate(char text[PROGRESS_LINE_MAX], double images_per_second);
void progress_append_bar(char text[PROGRESS_LINE_MAX], double fraction, int columns, bool utf8);

// Whether what is printed may be more than ASCII.
bool progress_locale_is_utf8(void);
