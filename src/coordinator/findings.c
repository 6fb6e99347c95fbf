// SPDX-License-Identifier: MIT
#include "coordinator/findings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status add_cam(struct findings *f, struct array *map)
{
    if (f->cam_count == f->cam_capacity) {
        const size_t capacity = f->cam_capacity ? 2 * f->cam_capacity : 64;
        struct finding_cam *grown = realloc(f->cams, capacity * sizeof *grown);
        if (!grown)
            return fail(STATUS_LIMIT, "no memory for class activation maps");
        f->cams = grown;
        f->cam_capacity = capacity;
    }
    f->cams[f->cam_count++] = (struct finding_cam){.record = {.image = map->part.image,
                                                              .frame = map->part.frame,
                                                              .octave = map->part.octave,
                                                              .step = map->part.step,
                                                              .grid = map->part.grid,
                                                              .scale = map->part.facts[0]},
                                                   .values = map->values};
    map->values = NULL;
    return STATUS_OK;
}

static const struct finding_cam *find_cam(const struct findings *f, int frame)
{
    for (size_t i = f->cam_count; i > 0; i--) // it came last, or nearly
        if (f->cams[i - 1].record.frame == frame)
            return &f->cams[i - 1];
    return NULL;
}

// The frame with its map, which came before it.
static enum status add_frame(struct findings *f, struct array *pixels, const struct config *config)
{
    const struct finding_cam *cam = find_cam(f, pixels->part.frame);
    struct film_frame frame = {
        .number = pixels->part.frame, .width = pixels->part.width, .height = pixels->part.height, .detail = config->octaves.detail};
    enum status rc;
    if (cam) {
        TRY(heat_create(&frame.heat, &cam->record.grid));
        memcpy(frame.heat.values, cam->values, (size_t)cam->record.grid.width * (size_t)cam->record.grid.height * sizeof(float));
    }
    frame.values = pixels->values;
    pixels->values = NULL;
    rc = film_add(f->film, &frame);
out:
    return rc;
}

static enum status refuse(const struct array_part *part)
{
    return fail(STATUS_INTERNAL, "an array of kind %d of target %d is not expected", (int)part->kind, (int)part->target);
}

static enum status take_importance(struct findings *f, struct array *array)
{
    const int target = array->part.target;
    if (target < 0 || target >= CONFIG_TARGETS_MAX || f->importance[target])
        return refuse(&array->part);
    f->importance[target] = array->values;
    array->values = NULL;
    return STATUS_OK;
}

// What cannot be written of one picture is that picture's failure alone. The rest of its arrays come all the same.
static void give_up(struct findings *f, enum status status)
{
    f->status = status;
    snprintf(f->error, sizeof f->error, "%s", status_message());
    film_abandon(&f->film);
    explain_file_abandon(&f->explanation);
}

static enum status take(struct findings *f, struct array *array, const struct config *config)
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
        rc = part->grid.width == part->width && part->grid.height == part->height ? add_cam(f, array) : refuse(part);
        break;
    case ARRAY_IMPORTANCE:
        rc = take_importance(f, array);
        break;
    default:
        rc = f->explanation || f->status != STATUS_OK ? STATUS_OK : refuse(part);
    }
    if (written != STATUS_OK)
        give_up(f, written);
    return rc;
}

enum status findings_receive(struct findings *f, MPI_Comm comm, int rank, int64_t image, const struct config *config)
{
    struct array whole;
    enum status rc;
    TRY(arrays_receive(&f->arrays, comm, rank, image, &whole));
    if (whole.values)
        rc = take(f, &whole, config);
    free(whole.values);
out:
    return rc;
}

enum status findings_write_cams(const struct findings *f, struct run_file *file)
{
    enum status rc = STATUS_OK;
    for (size_t i = 0; i < f->cam_count; i++)
        TRY(run_file_add_cam(file, &f->cams[i].record, f->cams[i].values));
out:
    return rc;
}

void findings_destroy(struct findings *f)
{
    arrays_destroy(&f->arrays);
    film_abandon(&f->film);
    explain_file_abandon(&f->explanation);
    for (size_t i = 0; i < f->cam_count; i++)
        free(f->cams[i].values);
    free(f->cams);
    for (int t = 0; t < CONFIG_TARGETS_MAX; t++)
        free(f->importance[t]);
    *f = (struct findings){0};
}
