// SPDX-License-Identifier: MIT
// A file with its stream of pictures, and what decodes it.
#pragma once

#include <libavformat/avformat.h>

#include "media/picture/ffmpeg.h"
#include "media/video/video_reader.h"

struct video_source {
    AVFormatContext *format;
    int stream;      // the one that is decoded
    int orientation; // of its frames, as EXIF numbers them, 1 to 8
    struct ffmpeg_decoder decoder;
};

// The containers that videos come in, and nothing that they may refer to. Close it also after a failure.
enum status video_source_open(struct video_source *source, const char *path, const struct image_limits *limits) MUST_CHECK;
void video_source_close(struct video_source *source); // and zeroes it

// Whether the container or stream of this name, FFmpeg's, is one of them.
bool video_source_takes(const char *format);

// The container alone, with all of its streams' parameters, for those who copy sound. *format is NULL on failure.
enum status video_source_open_container(AVFormatContext **format, const char *path) MUST_CHECK;

// What container and first frame say of a clip: all but its size and colours.
void video_source_describe(const struct video_source *source, const AVFrame *frame, struct video_facts *facts);

bool video_source_is_interlaced(const AVFrame *frame);
