// SPDX-License-Identifier: MIT
#include "coordinator/findings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct finding_map {
    struct finding_map *next;
    int frame;
    struct heat heat;
};

static void drop_maps(struct finding_map **maps)
{
    for (struct finding_map *map = *maps, *next; map; map = next) {
        next = map->next;
        heat_destroy(&map->heat);
        free(map);
    }
    *maps = NULL;
}

// Keeps a map until the pixels of its frame come.
static enum status keep_map(struct findings *f, const struct array *array)
{
    const struct heat_grid *grid = &array->part.grid;
    enum status rc;
    struct finding_map *map = calloc(1, sizeof *map);
    if (!map)
        return fail(STATUS_LIMIT, "no memory for a class activation map");
    TRY(heat_create(&map->heat, grid));
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
static struct heat take_map(struct findings *f, int frame)
{
    struct heat heat = {0};
    struct finding_map **at = &f->maps;
    while (*at && (*at)->frame > frame)
        at = &(*at)->next;
    if (*at && (*at)->frame == frame) {
        heat = (*at)->heat;
        (*at)->heat = (struct heat){0};
    }
    drop_maps(at);
    return heat;
}

static enum status add_frame(struct findings *f, struct array *pixels, const struct config *config)
{
    struct film_frame frame = {.number = pixels->part.frame,
                               .width = pixels->part.width,
                               .height = pixels->part.height,
                               .detail = config->octaves.detail,
                               .values = pixels->values,
                               .heat = take_map(f, pixels->part.frame)};
    pixels->values = NULL;
    return film_add(f->film, &frame);
}

static enum status refuse(const struct array_part *part)
{
    return fail(STATUS_INTERNAL, "an array of kind %d of target %d is not expected", (int)part->kind, (int)part->target);
}

static enum status take_importance(struct findings *f, struct array *array, struct image_record *record)
{
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

static enum status write_map(const struct array *map, struct run_file *file)
{
    const struct array_part *part = &map->part;
    return run_file_add_cam(file,
                            &(struct cam_record){.image = part->image,
                                                 .frame = part->frame,
                                                 .octave = part->octave,
                                                 .step = part->step,
                                                 .grid = part->grid,
                                                 .scale = part->facts[0]},
                            map->values);
}

// What cannot be written of one picture is that picture's failure alone. The rest of its arrays come all the same.
static void give_up(struct findings *f, enum status status)
{
    f->status = status;
    snprintf(f->error, sizeof f->error, "%s", status_message());
    film_abandon(&f->film);
    explain_file_abandon(&f->explanation);
    drop_maps(&f->maps);
}

static enum status take(struct findings *f, struct array *array, struct image_record *record, const struct config *config,
                        struct run_file *file)
{
    const struct array_part *part = &array->part;
    enum status rc = STATUS_OK, written = STATUS_OK;
    if (f->explanation)
        written = explain_file_add(f->explanation, array);
    switch ((enum array_kind)part->kind) {
    case ARRAY_FRAME:
        if (f->film)
            written = add_frame(f, array, config);
        break;
    case ARRAY_HEAT:
        if (part->channels != 1 || part->grid.width != part->width || part->grid.height != part->height)
            return refuse(part);
        rc = write_map(array, file);
        if (f->film)
            written = keep_map(f, array);
        break;
    case ARRAY_IMPORTANCE:
        rc = take_importance(f, array, record);
        break;
    default:
        rc = f->explanation || f->status != STATUS_OK ? STATUS_OK : refuse(part);
    }
    if (written != STATUS_OK)
        give_up(f, written);
    return rc;
}

enum status findings_receive(struct findings *f, MPI_Comm comm, int rank, struct image_record *record, const struct config *config,
                             struct run_file *file)
{
    struct array whole;
    enum status rc;
    TRY(arrays_receive(&f->arrays, comm, rank, record->id, &whole));
    if (whole.values)
        rc = take(f, &whole, record, config, file);
    free(whole.values);
out:
    return rc;
}

void findings_destroy(struct findings *f)
{
    arrays_destroy(&f->arrays);
    film_abandon(&f->film);
    explain_file_abandon(&f->explanation);
    drop_maps(&f->maps);
    for (int t = 0; t < CONFIG_TARGETS_MAX; t++)
        free(f->importance[t]);
    *f = (struct findings){0};
}
