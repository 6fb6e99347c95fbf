// SPDX-License-Identifier: MIT
// What is known of a video once all of it has been decoded: how many frames there are, when each is shown, and what was wrong with them.
#pragma once

#include "media/video/video_reader.h"

enum { VIDEO_FRAMES_MAX = 1 << 26 }; // 12 days of 60 frames a second

struct video_scan {
    struct video_facts facts; // at the end
    int64_t *times;           // [count] in ticks, rising; malloc'ed
    int64_t count;            // frames, >= 1
};

// Takes as long as decoding does: `stop` (NULL: never) is asked before each frame, and ends it with STATUS_STOPPED. STATUS_LIMIT: more
// frames than VIDEO_FRAMES_MAX. On failure *scan is zeroed.
enum status video_scan(struct video_scan *scan, const char *path, const struct image_limits *limits, bool (*stop)(void *context),
                       void *context) MUST_CHECK;
void video_scan_destroy(struct video_scan *scan); // and zeroes it

// For how long frame `i` is shown, in ticks: until the next; the last as long as the one before it, or, alone, as the rate says.
int64_t video_scan_duration(const struct video_scan *scan, int64_t i);
