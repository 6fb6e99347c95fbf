// SPDX-License-Identifier: MIT
// A segment of a clip that is being dreamed: reads its frames one ahead, hands out the next one with what came before it, takes its dream,
// and has it encoded and, now and then, the state written from which the segment is taken up again. What takes time is done by a thread of
// its own; the calls are rank 0's, which never waits in them but at the end.
#pragma once

#include "common/wire/run_rows.h"
#include "coordinator/clip/clip_plan.h"
#include "coordinator/task/clip_source.h"
#include "media/video/video_part.h"

// What the segments of a clip have in common. Borrowed: it outlives them.
struct segment_setup {
    const struct clip_source *source; // NULL: a zoom
    struct clip_plan plan;
    int width, height;
    struct video_make make; // of the clip as it goes out
    const char *sha256;     // of the input's bytes
    const char *stem;       // what the names of the parts' files begin with: clip_part_path()
    struct image_limits limits;
    int64_t image; // id
};

struct segment;

// Where a part is kept. `suffix`: "" or of another form of it. STATUS_LIMIT: too long a path.
enum status clip_part_path(char path[FILE_PATH_MAX], const char *stem, int segment, char kind, int group, const char *suffix) MUST_CHECK;

// Begins to read, from where an earlier run has left off. `first`: of a zoom, the picture that it begins with. On failure *segment is NULL.
enum status segment_create(struct segment **segment, const struct segment_setup *setup, int number, const float *first) MUST_CHECK;
void segment_destroy(struct segment **segment); // waits for what is under way; NULL inside is fine

enum segment_state { SEGMENT_WAITING, SEGMENT_READY, SEGMENT_WHOLE, SEGMENT_FAILED };

// SEGMENT_READY: a frame can be handed out. SEGMENT_WHOLE: all are dreamed, and on the disk. SEGMENT_FAILED: as the message says.
enum segment_state segment_look(struct segment *segment);

// Rows of frames that an earlier run has dreamed, once the segment has been ready or is whole; valid until the next frame is handed out.
const struct frame_row *segment_rows(const struct segment *segment, size_t *count);

// Of one that is ready: the next frame, a copy of it, malloc'ed for the caller, and what came before it, which stays the segment's until
// segment_dreamed().
struct segment_frame {
    int64_t number;
    float *rgb;             // (3, height, width)
    const float *before[2]; // [before_count] likewise
    int before_count;       // 0: it has none before it
    const float *ripe;      // [ripe_count]
    int64_t ripe_count;
};
enum status segment_hand_out(struct segment *segment, struct segment_frame *frame) MUST_CHECK;

// Its dream (3, height, width) and ripeness [ripe_count] (NULL: none), both of which it takes in any case. `save`: and writes its state.
enum status segment_dreamed(struct segment *segment, float *dream, float *ripe, int64_t ripe_count, const struct frame_row *row,
                            bool save) MUST_CHECK;

// What was handed out will not come back: it is ready to be handed out again. Writes its state.
enum status segment_stop(struct segment *segment) MUST_CHECK;
