// SPDX-License-Identifier: MIT
// The rows of one image that the run file has of it so far, its steps and maps: a checkpoint takes them along, so that a run that goes on
// has them whatever became of its file.
#ifndef ONEIROS_COORDINATOR_HISTORY_H
#define ONEIROS_COORDINATOR_HISTORY_H

#include <stddef.h>

#include "common/records.h"
#include "coordinator/saved.h"

struct history_map {
    struct cam_record record;
    float *values; // (height, width) of its grid
};

// Zeroed: empty. In the order in which they came.
struct history {
    struct step_record *steps; // [step_count]
    struct history_map *maps;  // [map_count]
    size_t step_count, map_count;
    size_t step_room, map_room;
};

void history_destroy(struct history *history);

enum status history_add_step(struct history *history, const struct step_record *step) MUST_CHECK;
enum status history_add_map(struct history *history, const struct cam_record *map, const float *values) MUST_CHECK;

// Whether all of the steps before the state are there. `steps`: of an octave.
bool history_reaches(const struct history *history, const struct dream_state *state, int steps);

// A copy of what came before the state.
enum status history_copy(const struct history *from, const struct dream_state *state, struct history *to) MUST_CHECK;

// To a checkpoint and back. Refuses what is not of the image or not before the state.
void history_save(const struct history *history, struct saved_writer *writer);
enum status history_load(struct history *history, const struct dream_state *state, struct saved_reader *reader) MUST_CHECK;

#endif
