// SPDX-License-Identifier: MIT
// A part of a clip that is written: frames in a row, encoded by themselves, so that parts can be made side by side, in any order, and put
// one behind another (video_join.h). What a part is made of is a function of its frames: the same frames give the same bytes, also where it
// was saved in between. Memory holds the part's packets and the frames of a group under way.
#pragma once

#include "common/wire/record_file.h"
#include "media/video/video_form.h"

enum { VIDEO_GROUP = 24 }; // frames that are encoded together, at most

// What is the same for all parts of a clip.
struct video_make {
    struct video_form form;
    const char *encoder; // a name that FFmpeg knows, of H.264 or FFV1, or "auto"
    int quality;         // CRF of H.264
};

struct video_part;

// `make` is copied, but for the name, which outlives the part. Everything about one part happens on one thread. On failure *part is NULL.
enum status video_part_create(struct video_part **part, const struct video_make *make) MUST_CHECK;

// rgb (3, height, width) in [-1, 1]; time and duration in ticks, the time later than that of the frame before.
enum status video_part_add(struct video_part *part, const float *rgb, int64_t time, int64_t duration) MUST_CHECK;

// What is there so far, and a part that was just created, with the same make, that goes on from it. After a failure it is of no use but to
// be abandoned.
void video_part_save(const struct video_part *part, struct record_writer *writer);
enum status video_part_load(struct video_part *part, struct record_reader *reader) MUST_CHECK;

// Into a file of records, complete or absent; frees the part in any case.
enum status video_part_finish(struct video_part **part, const char *path) MUST_CHECK;
void video_part_abandon(struct video_part **part); // NULL is fine
