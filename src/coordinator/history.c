// SPDX-License-Identifier: MIT
#include "coordinator/history.h"

#include <stdlib.h>
#include <string.h>

// How many of each follow.
struct saved_history {
    uint64_t steps, maps;
};

static size_t value_count(const struct cam_record *map)
{
    return (size_t)map->grid.width * (size_t)map->grid.height;
}

void history_destroy(struct history *history)
{
    for (size_t i = 0; i < history->map_count; i++)
        free(history->maps[i].values);
    free(history->maps);
    free(history->steps);
    *history = (struct history){0};
}

// Room for one more of `size` bytes each.
static enum status make_room(void **rows, size_t count, size_t *room, size_t size)
{
    const size_t more = *room < 32 ? 32 : 2 * *room;
    if (count < *room)
        return STATUS_OK;
    void *larger = realloc(*rows, more * size);
    if (!larger)
        return fail(STATUS_LIMIT, "no memory for the rows of an image");
    *rows = larger;
    *room = more;
    return STATUS_OK;
}

enum status history_add_step(struct history *history, const struct step_record *step)
{
    void *rows = history->steps;
    const enum status rc = make_room(&rows, history->step_count, &history->step_room, sizeof *step);
    history->steps = rows;
    if (rc == STATUS_OK)
        history->steps[history->step_count++] = *step;
    return rc;
}

enum status history_add_map(struct history *history, const struct cam_record *map, const float *values)
{
    void *rows = history->maps;
    const enum status rc = make_room(&rows, history->map_count, &history->map_room, sizeof *history->maps);
    history->maps = rows;
    if (rc != STATUS_OK)
        return rc;
    struct history_map *added = &history->maps[history->map_count];
    *added = (struct history_map){.record = *map, .values = malloc(value_count(map) * sizeof *values)};
    if (!added->values)
        return fail(STATUS_LIMIT, "no memory for the maps of an image");
    memcpy(added->values, values, value_count(map) * sizeof *values);
    history->map_count++;
    return STATUS_OK;
}

static bool is_before(int octave, int step, const struct dream_state *state)
{
    return octave < state->octave || (octave == state->octave && step < state->step);
}

bool history_reaches(const struct history *history, const struct dream_state *state, int steps)
{
    size_t count = 0;
    for (size_t i = 0; i < history->step_count; i++)
        count += is_before(history->steps[i].octave, history->steps[i].step, state);
    return count >= (size_t)state->octave * (size_t)steps + (size_t)state->step;
}

enum status history_copy(const struct history *from, const struct dream_state *state, struct history *to)
{
    enum status rc = STATUS_OK;
    *to = (struct history){0};
    for (size_t i = 0; i < from->step_count; i++)
        if (is_before(from->steps[i].octave, from->steps[i].step, state))
            TRY(history_add_step(to, &from->steps[i]));
    for (size_t i = 0; i < from->map_count; i++)
        if (is_before(from->maps[i].record.octave, from->maps[i].record.step, state))
            TRY(history_add_map(to, &from->maps[i].record, from->maps[i].values));
out:
    if (rc != STATUS_OK)
        history_destroy(to);
    return rc;
}

void history_save(const struct history *history, struct saved_writer *writer)
{
    const struct saved_history saved = {.steps = history->step_count, .maps = history->map_count};
    saved_write(writer, &saved, sizeof saved);
    saved_write(writer, history->steps, history->step_count * sizeof *history->steps);
    for (size_t i = 0; i < history->map_count; i++) {
        const struct history_map *map = &history->maps[i];
        saved_write(writer, &map->record, sizeof map->record);
        saved_write(writer, map->values, value_count(&map->record) * sizeof *map->values);
    }
}

static enum status load_step(struct history *history, const struct dream_state *state, struct saved_reader *reader)
{
    struct step_record step;
    const enum status rc = saved_read(reader, &step, sizeof step);
    if (rc != STATUS_OK)
        return rc;
    if (step.image != state->image || step.octave < 0 || step.step < 0 || !is_before(step.octave, step.step, state))
        return fail(STATUS_FORMAT, "a step in it is not of this dream");
    return history_add_step(history, &step);
}

static enum status load_map(struct history *history, const struct dream_state *state, struct saved_reader *reader)
{
    struct cam_record map;
    const enum status rc = saved_read(reader, &map, sizeof map);
    if (rc != STATUS_OK)
        return rc;
    if (map.image != state->image || map.octave < 0 || map.step < 0 || !is_before(map.octave, map.step, state) || map.grid.width < 1 ||
        map.grid.height < 1)
        return fail(STATUS_FORMAT, "a map in it is not of this dream");
    const size_t left = reader->left / sizeof(float);
    if (value_count(&map) > left)
        return fail(STATUS_FORMAT, "it ends early");
    return history_add_map(history, &map, saved_next(reader, value_count(&map) * sizeof(float)));
}

enum status history_load(struct history *history, const struct dream_state *state, struct saved_reader *reader)
{
    struct saved_history saved;
    enum status rc;
    *history = (struct history){0};
    TRY(saved_read(reader, &saved, sizeof saved));
    for (uint64_t i = 0; i < saved.steps; i++)
        TRY(load_step(history, state, reader));
    for (uint64_t i = 0; i < saved.maps; i++)
        TRY(load_map(history, state, reader));
out:
    if (rc != STATUS_OK)
        history_destroy(history);
    return rc;
}
