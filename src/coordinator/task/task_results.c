// SPDX-License-Identifier: MIT
#include "coordinator/task/task_results.h"

#include <stdlib.h>
#include <string.h>

#include "coordinator/task/task.h"

struct frame_map {
    struct frame_map *next;
    int frame;
    struct heat heat;
};

static void drop_maps(struct frame_map **maps)
{
    for (struct frame_map *map = *maps, *next; map; map = next) {
        next = map->next;
        heat_destroy(&map->heat);
        free(map);
    }
    *maps = NULL;
}

// Keeps a map until the pixels of its frame come.
static enum status keep_map(struct task_results *f, const struct array *array)
{
    const struct heat_grid *grid = &array->part.grid;
    enum status rc;
    struct frame_map *map;
    TRY(ALLOCATE(map, 1, "for a class activation map"));
    TRY_OUT(heat_create(&map->heat, grid));
    memcpy(map->heat.values, array->values, (size_t)grid->width * (size_t)grid->height * sizeof(float));
    map->frame = array->part.frame;
    map->next = f->maps;
    f->maps = map;
    map = NULL;
out:
    free(map);
    return rc;
}

// The map of a frame, which came before it. Maps of earlier frames are not needed any more: frames come in their order.
static struct heat take_map(struct task_results *f, int frame)
{
    struct heat heat = {0};
    struct frame_map **at = &f->maps;
    while (*at && (*at)->frame > frame)
        at = &(*at)->next;
    if (*at && (*at)->frame == frame) {
        heat = (*at)->heat;
        (*at)->heat = (struct heat){0};
    }
    drop_maps(at);
    return heat;
}

static enum status add_frame(struct task *task, struct array *pixels, const struct config *config)
{
    struct film_frame frame = {.number = pixels->part.frame,
                               .width = pixels->part.width,
                               .height = pixels->part.height,
                               .detail = config->octaves.detail,
                               .values = pixels->values,
                               .heat = take_map(&task->results, pixels->part.frame)};
    pixels->values = NULL;
    return output_frame(&task->output, &frame);
}

static enum status refuse(const struct array_part *part)
{
    return fail(STATUS_INTERNAL, "an array of kind %d of target %d is not expected", (int)part->kind, (int)part->target);
}

static enum status copy_to(struct output *output, const struct array *array)
{
    const size_t count = (size_t)array->part.channels * (size_t)array->part.height * (size_t)array->part.width;
    struct array copy = {.part = array->part, .values = malloc(count * sizeof *copy.values)};
    TRY(copy.values ? STATUS_OK : no_memory("for an array of %zu values", count));
    memcpy(copy.values, array->values, count * sizeof *copy.values);
    return output_array(output, &copy);
}

static enum status take_importance(struct task *task, struct array *array)
{
    struct task_results *f = &task->results;
    struct image_row *record = &task->record;
    const int target = array->part.target;
    if (target < 0 || target >= CONFIG_TARGETS_MAX || f->importance[target])
        return refuse(&array->part);
    f->importance[target] = array->values;
    array->values = NULL;
    record->importance_value[target] = array->part.facts[0];
    record->importance_expected[target] = array->part.facts[1];
    record->importance_residual[target] = array->part.facts[2];
    return STATUS_OK;
}

static enum status take_peaks(struct task_results *f, struct array *array)
{
    const struct array_part *part = &array->part;
    if (part->target < 0 || part->target >= CONFIG_TARGETS_MAX || f->peaks[part->target] || part->height != PEAK_KINDS ||
        part->width != PEAK_NUMBERS)
        return refuse(part);
    f->peaks[part->target] = array->values;
    array->values = NULL;
    return STATUS_OK;
}

static enum status take_map_values(struct task_results *f, const struct array *map, struct run_file *file, bool filmed)
{
    const struct array_part *part = &map->part;
    const struct cam_row record = {.image = part->image,
                                   .frame = part->frame,
                                   .octave = part->octave,
                                   .step = part->step,
                                   .grid = part->grid,
                                   .scale = part->facts[0]};
    if (part->channels != 1 || part->grid.width != part->width || part->grid.height != part->height)
        return refuse(part);
    if (filmed)
        TRY(keep_map(f, map));
    TRY(image_rows_add_map(&f->rows, &record, map->values));
    if (file)
        return run_file_add_cam(file, &record, map->values);
    return STATUS_OK;
}

static enum status take_score(struct task *task, struct array *array, const struct config *config, struct run_file *file)
{
    const struct array_part part = array->part;
    struct faithfulness_row score = {
        .image = part.image, .deletion = part.facts[0], .insertion = part.facts[1], .randomised = part.facts[2]};
    if (!task->output.explanation || part.variant < 0 || part.variant >= EXPLAINED_KINDS || part.target < -1 ||
        part.target >= config->targets.count)
        return refuse(&part);
    snprintf(score.map, sizeof score.map, "%s", explained_map_name(part.variant));
    if (part.target >= 0)
        snprintf(score.target, sizeof score.target, "%s", config->targets.items[part.target].layer);
    TRY(output_array(&task->output, array));
    TRY(image_rows_add_score(&task->results.rows, &score));
    return file ? run_file_add_faithfulness(file, &score) : STATUS_OK;
}

static enum status take(struct task *task, struct array *array, const struct config *config, struct run_file *file)
{
    struct output *output = &task->output;
    if (array->part.kind == ARRAY_FAITHFULNESS)
        return take_score(task, array, config, file);
    if (output->explanation && array->part.kind != ARRAY_IMPORTANCE && array->part.kind != ARRAY_HEAT)
        return output_array(output, array);
    switch ((enum array_kind)array->part.kind) {
    case ARRAY_FRAME:
        return output->film ? add_frame(task, array, config) : refuse(&array->part);
    case ARRAY_HEAT:
        return take_map_values(&task->results, array, file, output->film);
    case ARRAY_IMPORTANCE:
        if (output->explanation)
            TRY(copy_to(output, array));
        return take_importance(task, array);
    case ARRAY_PEAKS:
        return take_peaks(&task->results, array);
    case ARRAY_RIPE:
        free(task->results.ripe);
        task->results.ripe = array->values;
        task->results.ripe_count = array->part.width;
        array->values = NULL;
        return STATUS_OK;
    case ARRAY_STATE:
        free(task->results.state.values); // a later one is as good as one that still waits
        task->results.state = *array;
        array->values = NULL;
        return STATUS_OK;
    default:
        return refuse(&array->part);
    }
}

enum status task_results_add(struct task *task, const struct array_part *part, float *values, const struct config *config,
                             struct run_file *file)
{
    struct array whole;
    enum status rc = arrays_add(&task->results.arrays, task->record.id, part, values, &whole);
    if (whole.values)
        rc = take(task, &whole, config, file);
    free(whole.values);
    return rc;
}

enum status task_results_take_state(struct task *task, int steps, struct checkpoint *checkpoint)
{
    struct task_results *f = &task->results;
    const struct array_part *part = &f->state.part;
    *checkpoint = (struct checkpoint){.state = {.image = task->record.id,
                                                .octave = part->octave,
                                                .step = part->step,
                                                .width = part->width,
                                                .height = part->height,
                                                .full_width = task->record.width,
                                                .full_height = task->record.height,
                                                .before = f->before}};
    if (!f->state.values || !f->has_before || !image_rows_reaches(&f->rows, &checkpoint->state, steps))
        return STATUS_OK;
    memcpy(checkpoint->sha256, task->record.sha256, sizeof checkpoint->sha256);
    TRY(image_rows_copy(&f->rows, &checkpoint->state, &checkpoint->rows));
    checkpoint->rgb = f->state.values;
    f->state.values = NULL;
    return STATUS_OK;
}

void task_results_destroy(struct task_results *f)
{
    arrays_destroy(&f->arrays);
    drop_maps(&f->maps);
    image_rows_destroy(&f->rows);
    free(f->state.values);
    free(f->ripe);
    for (int t = 0; t < CONFIG_TARGETS_MAX; t++) {
        free(f->importance[t]);
        free(f->peaks[t]);
    }
    *f = (struct task_results){0};
}
