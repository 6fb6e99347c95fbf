// SPDX-License-Identifier: MIT
// The files of a clip's parts, in the order of its frames.
#pragma once

#include "coordinator/clip/segment.h"
#include "media/video/video_join.h"

struct clip_parts { // zeroed: none
    char **paths;   // [count]
    int count, room;
};

// The groups of a range of a segment, behind those that are there.
enum status clip_parts_add(struct clip_parts *parts, const struct segment_setup *setup, int segment, enum clip_kind kind) MUST_CHECK;

// Those that the first `segments` segments give the clip.
enum status clip_parts_add_clip(struct clip_parts *parts, const struct segment_setup *setup, int segments) MUST_CHECK;

void clip_parts_destroy(struct clip_parts *parts);
