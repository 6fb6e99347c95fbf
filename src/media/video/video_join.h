// SPDX-License-Identifier: MIT
// A clip from its parts, one behind another, and the sound of another file beside them, its packets as they are there: MP4, its index
// first, or Matroska where MP4 has no place for the picture's codec or the sound's.
#pragma once

#include "media/video/video_part.h"

struct video_join {
    struct video_make make; // of all parts
    const char *const *parts;
    int part_count;    // files of video_part_finish(), in their order
    const char *sound; // a file whose streams of sound come along, with the times that they have there; NULL: none
};

// How the file is to be called: "mp4" or "mkv".
enum status video_join_extension(const struct video_join *join, const char **extension) MUST_CHECK;

// Memory holds one part at a time. Complete or absent; `path` ends with the extension.
enum status video_join_write(const struct video_join *join, const char *path) MUST_CHECK;
