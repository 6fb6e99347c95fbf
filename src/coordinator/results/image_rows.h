// SPDX-License-Identifier: MIT
// The rows of one image that the run file has of it so far, its steps and maps: a checkpoint takes them along, so that a run that goes on
// has them whatever became of its file.
#pragma once

#include <stddef.h>

#include "common/wire/record_file.h"
#include "common/wire/run_rows.h"

// Zeroed: empty. In the order in which they came.
struct image_rows {
    struct step_row *steps;          // [step_count]
    struct cam_row *maps;            // [map_count]; the offset of each is where its values lie
    float *values;                   // [value_count], of all maps
    struct faithfulness_row *scores; // [score_count]
    size_t step_count, map_count, value_count, score_count;
    size_t step_room, map_room, value_room, score_room;
};

void image_rows_destroy(struct image_rows *rows);

enum status image_rows_add_step(struct image_rows *rows, const struct step_row *step) MUST_CHECK;
enum status image_rows_add_map(struct image_rows *rows, const struct cam_row *map, const float *values) MUST_CHECK;

enum status image_rows_add_score(struct image_rows *rows, const struct faithfulness_row *score) MUST_CHECK;

// Gives them to an image, by its id.
void image_rows_give(struct image_rows *rows, int64_t image);

// Whether all of the steps before the state are there. `steps`: of an octave.
bool image_rows_reaches(const struct image_rows *rows, const struct dream_state *state, int steps);

// A copy of what came before the state.
enum status image_rows_copy(const struct image_rows *from, const struct dream_state *state, struct image_rows *to) MUST_CHECK;

// Of all steps: the work that was done.
double image_rows_pixels(const struct image_rows *rows);

// To a checkpoint or a message and back. Refuses what is not of the state's image or not before the state.
void image_rows_save(const struct image_rows *rows, struct record_writer *writer);
enum status image_rows_load(struct image_rows *rows, const struct dream_state *before, struct record_reader *reader) MUST_CHECK;
