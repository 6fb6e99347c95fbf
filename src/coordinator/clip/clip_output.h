// SPDX-License-Identifier: MIT
// The film that a clip becomes, in its folder: dream.mp4 of a video, zoom.mp4 of a zoom, or .mkv where MP4 cannot hold it;
// dream.partial.mp4 of one that was stopped.
#pragma once

#include "coordinator/clip/clip_parts.h"
#include "coordinator/task/task.h"

// Of the first `segments` segments; a video that is whole has its sound. Names the file in the task's record.
enum status clip_output_write(const struct segment_setup *setup, const char *folder, struct task *task, int segments) MUST_CHECK;

// What an earlier run has left of it.
void clip_output_remove(const char *folder, const struct task *task);
