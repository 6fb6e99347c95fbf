// SPDX-License-Identifier: MIT
// What a team finds out about an image besides its dream: frames, which go to its film, class activation maps and the importance of
// channels, which go to the run file, and now and then the state that a checkpoint keeps.
#pragma once

#include "coordinator/results/array_assembly.h"
#include "coordinator/results/image_rows.h"
#include "coordinator/task/task_output.h"
#include "runfile/run_file.h"

struct task_results {
    struct arrays arrays;                  // on their way
    struct frame_map *maps;                // of frames whose pixels have not come yet, the latest first
    float *importance[CONFIG_TARGETS_MAX]; // [channels] of each target; NULL: not known
    float *peaks[CONFIG_TARGETS_MAX];      // [channels][PEAK_KINDS][PEAK_NUMBERS] likewise
    struct image_rows rows;                // of a dream
    struct picture_metrics before;         // of a dream that is kept
    bool has_before;
    float *ripe; // [ripe_count] of a frame of a clip; NULL: none
    int64_t ripe_count;
    struct array state; // the latest that is whole, and waits for reports that are behind it on their way; without values: none
};

struct task;

// Takes one part, and `values` in any case. Maps go to the run file, if there is one, and STATUS_IO is that file's alone: the part has
// been taken. What the importance of channels is made of goes to the image's record; frames and what explains the image to its output.
enum status task_results_add(struct task *task, const struct array_part *part, float *values, const struct config *config,
                             struct run_file *file) MUST_CHECK;

// The state that has come, if all of the dream before it has come as well: what a checkpoint is made of, the caller's to destroy. Without
// pixels: there is none. `steps`: of an octave.
enum status task_results_take_state(struct task *task, int steps, struct checkpoint *checkpoint) MUST_CHECK;

void task_results_destroy(struct task_results *results);
