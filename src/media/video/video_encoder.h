// SPDX-License-Identifier: MIT
// The H.264 encoders of FFmpeg: which one, and how it is set up.
#pragma once

#include <libavcodec/avcodec.h>

#include "media/video/video.h"

enum { VIDEO_RATE_PRECISION = 100000 }; // largest number in the fraction that stands for the frame rate

// Open, for frames in yuv420p whose times count in frames. The same options give the same encoder. *context is NULL on failure.
enum status video_encoder_create(AVCodecContext **context, const struct video_options *options) MUST_CHECK;
