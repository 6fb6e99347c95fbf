// SPDX-License-Identifier: MIT
// Which files are videos, without decoding them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VIDEO_PROBE_BYTES = 4096 }; // of a file's start, that its content is told by

// A name with the extension of a video, in whatever case.
bool video_has_name(const char *path);

// Whether what begins like this is a container or a bare stream that video_reader_open() opens. Pictures come first: some begin as videos
// do.
bool video_has_content(const uint8_t *start, size_t size);
