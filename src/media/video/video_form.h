// SPDX-License-Identifier: MIT
// What all frames of a clip have in common, as it comes in and as it goes out.
#pragma once

#include <stdint.h>

#include "common/picture/image.h"

struct video_form {
    int width, height;     // pixels, upright; any, odd ones, too
    int bits;              // a sample: 8, or 16 for all that are deeper
    int32_t aspect[2];     // of a pixel: width : height
    int32_t tick[2];       // seconds that times count in: tick[0] / tick[1]
    int32_t rate[2];       // frames a second, about: rate[0] / rate[1]
    int32_t matrix, range; // of YCbCr, primaries, transfer: AVCOL_*, the code points of ISO 23091-2. Frames are R'G'B' by matrix and range;
    int32_t primaries, curve; // the other two are carried
};

// Of pictures in a row, 8 bits, BT.709, whose times count frames.
struct video_form video_form_of_pictures(int width, int height, double rate);
