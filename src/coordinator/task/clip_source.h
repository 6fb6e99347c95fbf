// SPDX-License-Identifier: MIT
// A video that is an input: where its bytes are, and what a first pass over all of its frames has found.
#pragma once

#include "common/config/config.h"
#include "media/video/video_scan.h"

struct clip_source {
    char path[FILE_PATH_MAX];
    int descriptor;    // of a download, which `path` leads to; -1: none
    int width, height; // of the frames as they are dreamed, after input.resize
    struct video_scan scan;
};

// `descriptor`: of a download, which is duplicated; -1: the file is at `path`. Decodes all of it: a signal ends that with STATUS_STOPPED.
// On failure *source is NULL.
enum status clip_source_create(struct clip_source **source, const char *path, int descriptor, const struct image_limits *limits) MUST_CHECK;
void clip_source_destroy(struct clip_source **source); // NULL inside is fine

// Seconds from the first frame to frame `i`.
double clip_source_time(const struct clip_source *source, int64_t i);

// The frame that comes next as it is dreamed on: rgb (3, height, width), malloc'ed. STATUS_FORMAT: there is none.
enum status clip_source_read(const struct clip_source *source, struct video_reader *reader, float **rgb) MUST_CHECK;
