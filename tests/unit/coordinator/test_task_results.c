// SPDX-License-Identifier: MIT
// What a team finds out about an image: the importance of channels with its three sums, and the maps of the frames of a dream.
#include "coordinator/task/task_results.h"

#include <stdlib.h>

#include "coordinator/task/task.h"
#include "unit.h"

enum { IMAGE = 3, CHANNELS = 5 };

static struct array_part part_of(enum array_kind kind, int target, int channels, int height, int width)
{
    return (struct array_part){.image = IMAGE,
                               .kind = kind,
                               .target = target,
                               .frame = -1,
                               .channels = channels,
                               .height = height,
                               .width = width,
                               .rows = height,
                               .columns = width};
}

static enum status add(struct task *task, const struct array_part *part, float first)
{
    static const struct config config;
    const int count = part->channels * part->height * part->width;
    float *values = malloc((size_t)count * sizeof *values);
    CU_ASSERT_PTR_NOT_NULL_FATAL(values);
    for (int i = 0; i < count; i++)
        values[i] = first + (float)i;
    return task_results_add(task, part, values, &config, NULL);
}

static struct task *create(void)
{
    struct task *task = task_create();
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    task->record.id = IMAGE;
    return task;
}

// Each target has its own, and each of the three sums its own place.
static void test_importance(void)
{
    struct task *task = create();
    for (int t = 0; t < 2; t++) {
        struct array_part part = part_of(ARRAY_IMPORTANCE, t, CHANNELS, 1, 1);
        part.facts[0] = 10 * t + 1;
        part.facts[1] = 10 * t + 2;
        part.facts[2] = 10 * t + 3;
        UNIT_OK(add(task, &part, (float)(100 * t)));
        UNIT_FAILS(add(task, &part, 0), STATUS_INTERNAL, "not expected"); // it has come
    }
    for (int t = 0; t < 2; t++) {
        const float *values = task->results.importance[t];
        CU_ASSERT_FATAL(values != NULL);
        CU_ASSERT(values[0] == (float)(100 * t) && values[CHANNELS - 1] == (float)(100 * t + CHANNELS - 1));
        CU_ASSERT_EQUAL(task->record.importance_value[t], 10 * t + 1);
        CU_ASSERT_EQUAL(task->record.importance_expected[t], 10 * t + 2);
        CU_ASSERT_EQUAL(task->record.importance_residual[t], 10 * t + 3);
    }
    CU_ASSERT_PTR_NULL(task->results.importance[2]);
    for (int target = -1; target <= CONFIG_TARGETS_MAX; target += CONFIG_TARGETS_MAX + 1) {
        const struct array_part part = part_of(ARRAY_IMPORTANCE, target, CHANNELS, 1, 1);
        UNIT_FAILS(add(task, &part, 0), STATUS_INTERNAL, "not expected");
    }
    task_destroy(&task);
}

// A map becomes a row, with its values behind those of the map before it.
static void test_maps(void)
{
    struct task *task = create();
    for (int frame = 0; frame < 2; frame++) {
        struct array_part part = part_of(ARRAY_HEAT, 0, 1, 2, 3);
        part.frame = frame;
        part.octave = 1;
        part.step = 4 + frame;
        part.grid = (struct heat_grid){.width = 3, .height = 2, .dy = 8};
        part.facts[0] = 0.5 + frame;
        UNIT_OK(add(task, &part, (float)(10 * frame)));
    }
    const struct image_rows *rows = &task->results.rows;
    CU_ASSERT_FATAL(rows->map_count == 2 && rows->value_count == 12);
    const struct cam_row *map = &rows->maps[1];
    CU_ASSERT(map->image == IMAGE && map->frame == 1 && map->octave == 1 && map->step == 5 && map->scale == 1.5 && map->offset == 6);
    CU_ASSERT(map->grid.width == 3 && map->grid.height == 2 && map->grid.dy == 8);
    CU_ASSERT(rows->values[5] == 5 && rows->values[6] == 10 && rows->values[11] == 15);
    struct array_part part = part_of(ARRAY_HEAT, 0, 1, 2, 3);
    part.grid = (struct heat_grid){.width = 2, .height = 3}; // not of these values
    UNIT_FAILS(add(task, &part, 0), STATUS_INTERNAL, "not expected");
    const struct array_part frame = part_of(ARRAY_FRAME, 0, 3, 2, 3); // without a film
    UNIT_FAILS(add(task, &frame, 0), STATUS_INTERNAL, "not expected");
    task_destroy(&task);
}

static const struct unit_test tests[] = {
    {"importance", test_importance},
    {"maps", test_maps},
};
UNIT_MAIN("what a team finds out", tests)
