// SPDX-License-Identifier: MIT
// The file from which a segment is taken up again: behind which frame it stands, that frame's dream at full precision, the rows so far, and
// the group of frames that is being encoded. Complete or absent; written by one version of the program for the same one.
#pragma once

#include "coordinator/clip/segment.h"

struct segment_file {
    const struct segment_setup *setup;
    int segment;
    int64_t next; // frame; 0 after reading: there is no file
    float *dream; // (3, height, width) of the frame before it; NULL: the segment is whole
    float *ripe;  // [ripe_count]
    int64_t ripe_count;
    struct frame_row *rows; // [row_count]
    size_t row_count;
    // Of one that was read: the file, malloc'ed, and in it what video_part_load() reads, if anything.
    void *memory;
    struct record_reader part;
};

// `part` may be NULL.
enum status segment_file_write(const struct segment_file *file, const struct video_part *part) MUST_CHECK;

// Setup and segment are given. What was read, each malloc'ed, is the caller's, also `memory`. A file that cannot be used is a warning, and
// as if there were none.
enum status segment_file_read(struct segment_file *file) MUST_CHECK;
