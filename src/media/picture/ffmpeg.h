// SPDX-License-Identifier: MIT
// What those share who use FFmpeg.
//
// Its messages are kept instead of printed, so that the cause of a failure gets into the message about it.
#pragma once

#include <libavcodec/avcodec.h>
#include <stdbool.h>

#include "common/picture/image.h"

// From now on FFmpeg prints nothing, and this thread has no error yet. FFmpeg must work on the calling thread (thread_count 1).
void ffmpeg_log_begin(void);

// Whether FFmpeg logged an error on this thread since ffmpeg_log_begin().
bool ffmpeg_log_failed(void);

// The first error that FFmpeg logged on this thread since ffmpeg_log_begin(), one line without its end, else the text of `code` (an
// AVERROR). The first is the cause; what follows are the callers that give up. Valid until the next call on this thread.
const char *ffmpeg_log_cause(int code);

// What decodes, on the calling thread.
struct ffmpeg_decoder {
    AVCodecContext *context;
    AVPacket *packet;
    AVFrame *frame;
};

// Not yet open. Destroy it also after a failure; a zeroed one is fine.
enum status ffmpeg_decoder_create(struct ffmpeg_decoder *decoder, const AVCodec *codec) MUST_CHECK;
void ffmpeg_decoder_destroy(struct ffmpeg_decoder *decoder);

// A frame with memory of its own; NULL without memory.
AVFrame *ffmpeg_frame_create(int width, int height, enum AVPixelFormat format);

// A decoded frame as the samples of the image, which is allocated and of its size. `colours` (SWS_CS_*): of its YCbCr; `flags`: further
// ones of libswscale. Chroma is interpolated at full resolution.
enum status ffmpeg_frame_to_image(const AVFrame *frame, int colours, int flags, struct image *image) MUST_CHECK;
