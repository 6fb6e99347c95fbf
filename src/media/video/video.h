// SPDX-License-Identifier: MIT
// An H.264 video in an MP4 file, by FFmpeg's libraries: yuv420p, BT.709 in colours and tags, the index before the frames so that browsers
// start at once, and a key frame a second, so that one can move about in it. Encoded frames are kept in memory, and written at the end,
// complete or absent (common/file.h). The same frames give the same bytes.
#pragma once

#include <stdint.h>

#include "common/picture/image.h"
#include "common/wire/record_file.h"

enum { VIDEO_ENCODER_MAX = 64 }; // bytes of an encoder's name

struct video_options {
    const char *path;
    int width, height;   // pixels, even
    double rate;         // frames a second, whole or not
    double hold;         // seconds for which the last frame is repeated
    int quality;         // CRF of H.264, 0 (best) to 51; encoders without CRF get a bit rate that should look about as good
    const char *encoder; // a name that FFmpeg knows, or "auto"
};

struct video;

// Whether a video can be made, and by which encoder: it is really opened, since FFmpeg also lists encoders of hardware that is not there.
// STATUS_UNSUPPORTED says what to do.
enum status video_check(const char *encoder, char name[VIDEO_ENCODER_MAX]) MUST_CHECK;

// Everything about one video happens on one thread. On failure *video is NULL and there is no file.
enum status video_create(struct video **video, const struct video_options *options) MUST_CHECK;

// rgb is (height, width, 3), sRGB.
enum status video_add(struct video *video, const uint8_t *rgb) MUST_CHECK;

// What is there so far. A video that is loaded goes on as the saved one would have: the same frames give the same bytes.
void video_save(const struct video *video, struct record_writer *writer);
// Into a video that was just created, with the same options; others are refused. After a failure it is of no use but to be abandoned.
enum status video_load(struct video *video, struct record_reader *reader) MUST_CHECK;

// The video takes its name, if there was a frame and nothing failed; frees it in any case.
enum status video_finish(struct video **video) MUST_CHECK;

// Leaves no file. NULL is fine.
void video_abandon(struct video **video);

// The first frame of such a video, from a file of this machine and no other place that it may name. On failure *image is zeroed.
enum status video_first_frame(const char *path, const struct image_limits *limits, struct image *image) MUST_CHECK;
