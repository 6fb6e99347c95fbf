// SPDX-License-Identifier: MIT
#include "coordinator/results/image_rows.h"

#include <stdlib.h>
#include <string.h>

// How many of each follow.
struct saved_history {
    uint64_t steps, maps;
};

static size_t value_count(const struct cam_row *map)
{
    return (size_t)map->grid.width * (size_t)map->grid.height;
}

void image_rows_destroy(struct image_rows *rows)
{
    for (size_t i = 0; i < rows->map_count; i++)
        free(rows->maps[i].values);
    free(rows->maps);
    free(rows->steps);
    *rows = (struct image_rows){0};
}

// Room for one more of `size` bytes each.
static enum status make_room(void **items, size_t count, size_t *room, size_t size)
{
    const size_t more = *room < 32 ? 32 : 2 * *room;
    if (count < *room)
        return STATUS_OK;
    void *larger = realloc(*items, more * size);
    if (!larger)
        return fail(STATUS_LIMIT, "no memory for the rows of an image");
    *items = larger;
    *room = more;
    return STATUS_OK;
}

enum status image_rows_add_step(struct image_rows *rows, const struct step_row *step)
{
    void *items = rows->steps;
    const enum status rc = make_room(&items, rows->step_count, &rows->step_room, sizeof *step);
    rows->steps = items;
    if (rc == STATUS_OK)
        rows->steps[rows->step_count++] = *step;
    return rc;
}

enum status image_rows_add_map(struct image_rows *rows, const struct cam_row *map, const float *values)
{
    void *items = rows->maps;
    const enum status rc = make_room(&items, rows->map_count, &rows->map_room, sizeof *rows->maps);
    rows->maps = items;
    if (rc != STATUS_OK)
        return rc;
    struct image_map *added = &rows->maps[rows->map_count];
    *added = (struct image_map){.record = *map, .values = malloc(value_count(map) * sizeof *values)};
    if (!added->values)
        return fail(STATUS_LIMIT, "no memory for the maps of an image");
    memcpy(added->values, values, value_count(map) * sizeof *values);
    rows->map_count++;
    return STATUS_OK;
}

static bool is_before(int octave, int step, const struct dream_state *state)
{
    return octave < state->octave || (octave == state->octave && step < state->step);
}

bool image_rows_reaches(const struct image_rows *rows, const struct dream_state *state, int steps)
{
    size_t count = 0;
    for (size_t i = 0; i < rows->step_count; i++)
        count += is_before(rows->steps[i].octave, rows->steps[i].step, state);
    return count >= (size_t)state->octave * (size_t)steps + (size_t)state->step;
}

enum status image_rows_copy(const struct image_rows *from, const struct dream_state *state, struct image_rows *to)
{
    enum status rc = STATUS_OK;
    *to = (struct image_rows){0};
    for (size_t i = 0; i < from->step_count; i++)
        if (is_before(from->steps[i].octave, from->steps[i].step, state))
            TRY_OUT(image_rows_add_step(to, &from->steps[i]));
    for (size_t i = 0; i < from->map_count; i++)
        if (is_before(from->maps[i].record.octave, from->maps[i].record.step, state))
            TRY_OUT(image_rows_add_map(to, &from->maps[i].record, from->maps[i].values));
out:
    if (rc != STATUS_OK)
        image_rows_destroy(to);
    return rc;
}

void image_rows_save(const struct image_rows *rows, struct record_writer *writer)
{
    const struct saved_history saved = {.steps = rows->step_count, .maps = rows->map_count};
    record_write(writer, &saved, sizeof saved);
    record_write(writer, rows->steps, rows->step_count * sizeof *rows->steps);
    for (size_t i = 0; i < rows->map_count; i++) {
        const struct image_map *map = &rows->maps[i];
        record_write(writer, &map->record, sizeof map->record);
        record_write(writer, map->values, value_count(&map->record) * sizeof *map->values);
    }
}

static enum status load_step(struct image_rows *rows, const struct dream_state *state, struct record_reader *reader)
{
    struct step_row step;
    const enum status rc = record_read(reader, &step, sizeof step);
    if (rc != STATUS_OK)
        return rc;
    if (step.image != state->image || step.octave < 0 || step.step < 0 || !is_before(step.octave, step.step, state))
        return fail(STATUS_FORMAT, "a step in it is not of this dream");
    return image_rows_add_step(rows, &step);
}

static enum status load_map(struct image_rows *rows, const struct dream_state *state, struct record_reader *reader)
{
    struct cam_row map;
    const enum status rc = record_read(reader, &map, sizeof map);
    if (rc != STATUS_OK)
        return rc;
    if (map.image != state->image || map.octave < 0 || map.step < 0 || !is_before(map.octave, map.step, state) || map.grid.width < 1 ||
        map.grid.height < 1)
        return fail(STATUS_FORMAT, "a map in it is not of this dream");
    const size_t left = reader->left / sizeof(float);
    if (value_count(&map) > left)
        return fail(STATUS_FORMAT, "it ends early");
    return image_rows_add_map(rows, &map, record_next(reader, value_count(&map) * sizeof(float)));
}

enum status image_rows_load(struct image_rows *rows, const struct dream_state *state, struct record_reader *reader)
{
    struct saved_history saved;
    enum status rc;
    *rows = (struct image_rows){0};
    TRY_OUT(record_read(reader, &saved, sizeof saved));
    for (uint64_t i = 0; i < saved.steps; i++)
        TRY_OUT(load_step(rows, state, reader));
    for (uint64_t i = 0; i < saved.maps; i++)
        TRY_OUT(load_map(rows, state, reader));
out:
    if (rc != STATUS_OK)
        image_rows_destroy(rows);
    return rc;
}
