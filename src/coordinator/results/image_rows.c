// SPDX-License-Identifier: MIT
#include "coordinator/results/image_rows.h"

#include <stdlib.h>
#include <string.h>

// How many of each follow.
struct row_counts {
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

// Takes the values, also on failure.
static enum status take_map(struct image_rows *rows, const struct cam_row *map, float *values)
{
    void *items = rows->maps;
    const enum status rc = make_room(&items, rows->map_count, &rows->map_room, sizeof *rows->maps);
    rows->maps = items;
    if (rc == STATUS_OK)
        rows->maps[rows->map_count++] = (struct image_map){.record = *map, .values = values};
    else
        free(values);
    return rc;
}

enum status image_rows_add_map(struct image_rows *rows, const struct cam_row *map, const float *values)
{
    float *copy = malloc(value_count(map) * sizeof *copy);
    if (!copy)
        return fail(STATUS_LIMIT, "no memory for the maps of an image");
    memcpy(copy, values, value_count(map) * sizeof *copy);
    return take_map(rows, map, copy);
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
    const struct row_counts counts = {.steps = rows->step_count, .maps = rows->map_count};
    record_write(writer, &counts, sizeof counts);
    record_write(writer, rows->steps, rows->step_count * sizeof *rows->steps);
    for (size_t i = 0; i < rows->map_count; i++) {
        const struct image_map *map = &rows->maps[i];
        record_write(writer, &map->record, sizeof map->record);
        record_write(writer, map->values, value_count(&map->record) * sizeof *map->values);
    }
}

static enum status load_map(struct image_rows *rows, const struct dream_state *before, struct record_reader *reader)
{
    struct cam_row map;
    void *values;
    TRY(record_read(reader, &map, sizeof map));
    if (map.image != before->image || map.octave < 0 || map.step < 0 || !is_before(map.octave, map.step, before) || map.grid.width < 1 ||
        map.grid.height < 1)
        return fail(STATUS_FORMAT, "a map in it is not of this dream");
    TRY(record_read_array(reader, &values, value_count(&map), sizeof(float)));
    return take_map(rows, &map, values);
}

enum status image_rows_load(struct image_rows *rows, const struct dream_state *before, struct record_reader *reader)
{
    struct row_counts counts;
    void *steps;
    enum status rc;
    *rows = (struct image_rows){0};
    TRY_OUT(record_read(reader, &counts, sizeof counts));
    TRY_OUT(record_read_array(reader, &steps, counts.steps, sizeof *rows->steps));
    rows->steps = steps;
    rows->step_count = rows->step_room = (size_t)counts.steps;
    for (size_t i = 0; i < rows->step_count && rc == STATUS_OK; i++) {
        const struct step_row *step = &rows->steps[i];
        if (step->image != before->image || step->octave < 0 || step->step < 0 || !is_before(step->octave, step->step, before))
            rc = fail(STATUS_FORMAT, "a step in it is not of this dream");
    }
    for (uint64_t i = 0; i < counts.maps && rc == STATUS_OK; i++)
        rc = load_map(rows, before, reader);
out:
    if (rc != STATUS_OK)
        image_rows_destroy(rows);
    return rc;
}
