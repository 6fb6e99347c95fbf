// SPDX-License-Identifier: MIT
// The H.264 encoders of FFmpeg: which one, and how it is set up.
#pragma once

#include <libavcodec/avcodec.h>

#include "media/video/video.h"

enum { VIDEO_RATE_PRECISION = 100000 }; // largest number in the fraction that stands for the frame rate

// Open, for frames in yuv420p whose times count in frames. The same options give the same encoder. *context is NULL on failure.
enum status video_encoder_create(AVCodecContext **context, const struct video_options *options) MUST_CHECK;

// The same for frames of a clip: of its size, depth and tags, their times in its ticks, one packet a frame, in their order. H.264, of 8 or
// 10 bits, or FFV1; colours at half the resolution in H.264 where both sides are even, else at full. auto: the best of H.264.
struct video_form;
enum status video_encoder_create_for(AVCodecContext **context, const struct video_form *form, const char *encoder, int quality) MUST_CHECK;
