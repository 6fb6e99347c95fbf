// SPDX-License-Identifier: MIT
// Frames of FFmpeg as pictures, and back: by the matrix and the range of a clip, and otherwise as they are.
#pragma once

#include <libavutil/frame.h>

#include "media/video/video_form.h"

// What converts frames of one kind; made when the first comes, and anew when another kind does. Zeroed: nothing yet.
struct video_colours {
    struct SwsContext *scaler;
    AVFrame *to;
    int format, width, height, matrix, range; // of the frames that it takes
};

void video_colours_destroy(struct video_colours *colours);

// What a frame's tags say, those that it lacks as players guess them: BT.601 up to 576 rows, else BT.709. STATUS_UNSUPPORTED: a matrix that
// nothing here converts.
enum status video_colours_find(const AVFrame *frame, struct video_form *form) MUST_CHECK;

// `image` is allocated, of any size and of the form's bits: a frame of another size is scaled to it.
enum status video_colours_take(struct video_colours *colours, const AVFrame *frame, const struct video_form *form,
                               struct image *image) MUST_CHECK;

// rgb (3, height, width) in [-1, 1], the form's size, into a frame that is allocated: yuv of any depth and grid of colours.
enum status video_colours_give(struct video_colours *colours, const float *rgb, const struct video_form *form, AVFrame *frame) MUST_CHECK;
