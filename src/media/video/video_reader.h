// SPDX-License-Identifier: MIT
// A video that is read, one frame after another: whatever FFmpeg decodes, from a file of this machine and no other place that it may name.
// Memory does not grow with its length. The same bytes of a file give the same frames; those behind a seek are a function of file and
// place.
//
// A frame that is damaged, as the decoder says, or lost is replaced by the one before it, at its own time: the number of frames stays.
// Times rise strictly; where the file has none they are counted.
#pragma once

#include <stdbool.h>

#include "media/video/video_form.h"

struct video_facts {
    struct video_form form;
    char codec[32];
    int64_t frames;  // as the container claims; 0: it does not
    double seconds;  // likewise
    int sounds;      // streams of sound
    bool interlaced; // frames are made of two fields
    bool bright;     // PQ or HLG: HDR
    bool resized;    // a frame of another size was scaled, so far
    bool truncated;  // the file ended before its end, known once that is reached
    int64_t damaged; // frames that were replaced, so far
};

struct video_reader;

// Opens, and decodes the first frame to know what they are like. STATUS_FORMAT: no video, or one without a frame. On failure *reader is
// NULL. Everything about one reader happens on one thread.
enum status video_reader_open(struct video_reader **reader, const char *path, const struct image_limits *limits) MUST_CHECK;
void video_reader_close(struct video_reader **reader); // NULL is fine

// Valid while it is open.
const struct video_facts *video_reader_facts(const struct video_reader *reader);

// The next frame. *there false: that was all. *time: in ticks. `image`, zeroed, is the caller's to destroy; NULL: no pixels are wanted.
enum status video_reader_next(struct video_reader *reader, struct image *image, int64_t *time, bool *there) MUST_CHECK;

// The next frame will be the first at or behind `time`: decoded from a key frame well before it, or from the beginning where that cannot be
// found.
enum status video_reader_seek(struct video_reader *reader, int64_t time) MUST_CHECK;
