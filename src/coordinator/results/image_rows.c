// SPDX-License-Identifier: MIT
#include "coordinator/results/image_rows.h"

#include <stdlib.h>
#include <string.h>

// How many of each follow.
struct row_counts {
    uint64_t steps, maps, values, scores;
};

static size_t value_count(const struct cam_row *map)
{
    return (size_t)map->grid.width * (size_t)map->grid.height;
}

void image_rows_destroy(struct image_rows *rows)
{
    free(rows->steps);
    free(rows->maps);
    free(rows->values);
    free(rows->scores);
    *rows = (struct image_rows){0};
}

// To an array of items of `size` bytes each that `items` points to the pointer of.
static enum status append(void *items, size_t *count, size_t *room, const void *more, size_t number, size_t size)
{
    void *array;
    memcpy(&array, items, sizeof array);
    if (number > *room - *count) {
        const size_t larger = 2 * (*count + number);
        array = realloc(array, larger * size);
        if (!array)
            return fail(STATUS_LIMIT, "no memory for the rows of an image");
        memcpy(items, &array, sizeof array);
        *room = larger;
    }
    memcpy((char *)array + *count * size, more, number * size);
    *count += number;
    return STATUS_OK;
}

enum status image_rows_add_step(struct image_rows *rows, const struct step_row *step)
{
    return append(&rows->steps, &rows->step_count, &rows->step_room, step, 1, sizeof *step);
}

enum status image_rows_add_map(struct image_rows *rows, const struct cam_row *map, const float *values)
{
    struct cam_row record = *map;
    record.offset = (int64_t)rows->value_count;
    TRY(append(&rows->values, &rows->value_count, &rows->value_room, values, value_count(map), sizeof *values));
    return append(&rows->maps, &rows->map_count, &rows->map_room, &record, 1, sizeof record);
}

enum status image_rows_add_score(struct image_rows *rows, const struct faithfulness_row *score)
{
    return append(&rows->scores, &rows->score_count, &rows->score_room, score, 1, sizeof *score);
}

static bool is_before(int octave, int step, const struct dream_state *state)
{
    return octave < state->octave || (octave == state->octave && step < state->step);
}

void image_rows_give(struct image_rows *rows, int64_t image)
{
    for (size_t i = 0; i < rows->step_count; i++)
        rows->steps[i].image = image;
    for (size_t i = 0; i < rows->map_count; i++)
        rows->maps[i].image = image;
    for (size_t i = 0; i < rows->score_count; i++)
        rows->scores[i].image = image;
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
        if (is_before(from->maps[i].octave, from->maps[i].step, state))
            TRY_OUT(image_rows_add_map(to, &from->maps[i], from->values + from->maps[i].offset));
out:
    if (rc != STATUS_OK)
        image_rows_destroy(to);
    return rc;
}

double image_rows_pixels(const struct image_rows *rows)
{
    double pixels = 0;
    for (size_t i = 0; i < rows->step_count; i++)
        pixels += (double)rows->steps[i].width * rows->steps[i].height;
    return pixels;
}

void image_rows_save(const struct image_rows *rows, struct record_writer *writer)
{
    const struct row_counts counts = {
        .steps = rows->step_count, .maps = rows->map_count, .values = rows->value_count, .scores = rows->score_count};
    record_write(writer, &counts, sizeof counts);
    record_write(writer, rows->steps, rows->step_count * sizeof *rows->steps);
    record_write(writer, rows->maps, rows->map_count * sizeof *rows->maps);
    record_write(writer, rows->values, rows->value_count * sizeof *rows->values);
    record_write(writer, rows->scores, rows->score_count * sizeof *rows->scores);
}

static enum status check(const struct image_rows *rows, const struct dream_state *before)
{
    size_t values = 0;
    for (size_t i = 0; i < rows->step_count; i++) {
        const struct step_row *step = &rows->steps[i];
        if (step->image != before->image || step->octave < 0 || step->step < 0 || !is_before(step->octave, step->step, before))
            return fail(STATUS_FORMAT, "a step in it is not of this dream");
    }
    for (size_t i = 0; i < rows->map_count; i++) {
        const struct cam_row *map = &rows->maps[i];
        if (map->image != before->image || map->octave < 0 || map->step < 0 || !is_before(map->octave, map->step, before) ||
            map->grid.width < 1 || map->grid.height < 1 || map->offset != (int64_t)values || value_count(map) > rows->value_count - values)
            return fail(STATUS_FORMAT, "a map in it is not of this dream");
        values += value_count(map);
    }
    for (size_t i = 0; i < rows->score_count; i++)
        if (rows->scores[i].image != before->image)
            return fail(STATUS_FORMAT, "what a map is worth in it is not of this picture");
    return STATUS_OK;
}

enum status image_rows_load(struct image_rows *rows, const struct dream_state *before, struct record_reader *reader)
{
    struct row_counts counts;
    void *steps, *maps, *values, *scores;
    enum status rc;
    *rows = (struct image_rows){0};
    TRY_OUT(record_read(reader, &counts, sizeof counts));
    TRY_OUT(record_read_array(reader, &steps, counts.steps, sizeof *rows->steps));
    rows->steps = steps;
    TRY_OUT(record_read_array(reader, &maps, counts.maps, sizeof *rows->maps));
    rows->maps = maps;
    TRY_OUT(record_read_array(reader, &values, counts.values, sizeof *rows->values));
    rows->values = values;
    TRY_OUT(record_read_array(reader, &scores, counts.scores, sizeof *rows->scores));
    rows->scores = scores;
    rows->score_count = rows->score_room = (size_t)counts.scores;
    rows->step_count = rows->step_room = (size_t)counts.steps;
    rows->map_count = rows->map_room = (size_t)counts.maps;
    rows->value_count = rows->value_room = (size_t)counts.values;
    rc = check(rows, before);
out:
    if (rc != STATUS_OK)
        image_rows_destroy(rows);
    return rc;
}
