// SPDX-License-Identifier: MIT
// The words of the progress display: pure functions from a state to a text.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { PROGRESS_LINE_MAX = 1024 }; // bytes

// A moment of a run.
struct progress_state {
    int64_t total;         // images; negative while it is not known
    int64_t done, failed;  // images
    int64_t sized;         // images whose work is known
    int in_flight;         // images that workers have in hand
    double work, advanced; // steps x pixels: of the sized images, and how much of it is done
    double rate;           // work a second, smoothed; 0 while it is not known
    double elapsed;        // seconds
};

// How much of the run is done, 0 to 1, and the seconds that are left; negative where that is not known. Images that nobody has looked
// at yet count as much as the mean of those that are known.
double progress_fraction(const struct progress_state *state);
double progress_seconds_left(const struct progress_state *state);

// One line for a terminal of `width` columns, without escape sequences; at most width - 1 columns, as the last one may wrap. The more
// room, the more it says. `utf8`: block characters instead of ASCII.
void progress_format_bar(char text[PROGRESS_LINE_MAX], const struct progress_state *state, int width, bool utf8);

// The same for a log: "37%: 371/1000, 2 failed, 4 in flight, 2.4 images/s, 4m12s left".
void progress_format_log(char text[PROGRESS_LINE_MAX], const struct progress_state *state);

// After the end: "998 images in 12m03s (1.4 images/s), 2 failed".
void progress_format_summary(char text[PROGRESS_LINE_MAX], const struct progress_state *state);
