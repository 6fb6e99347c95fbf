// SPDX-License-Identifier: MIT
// The first frame of a video, such as film.h writes them.
#pragma once

#include "common/picture/image.h"

// From a file of this machine, and no other place that it may name. On failure *image is zeroed.
enum status video_first_frame(const char *path, const struct image_limits *limits, struct image *image) MUST_CHECK;
