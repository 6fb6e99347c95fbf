// SPDX-License-Identifier: MIT
// The largest comes first; of those whose outputs are being written, the ones that are done: nobody waits until there are too many.
#include "coordinator/task/task.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/system/file.h"
#include "scratch.h"
#include "unit.h"

enum { SIDE = 512 };

static struct config config;
static atomic_bool gate_is_open;

static enum status wait_at_gate(void *data)
{
    (void)data;
    while (!gate_is_open)
        usleep(100);
    return STATUS_OK;
}

static void destroy_nothing(void *data)
{
    (void)data;
}

// With `work` before anything else is written, or NULL.
static struct task *begin(const char *name, int frames, enum status (*work)(void *))
{
    struct task *task = task_create();
    snprintf(task->name, sizeof task->name, "%s", name);
    UNIT_OK(image_create(&task->image, SIDE, SIDE));
    memset(task->image.rgb, 0, sizeof(float[3][SIDE][SIDE]));
    task->image.bits = 8;
    UNIT_OK(output_begin_dream(&config, scratch, task));
    if (work)
        work_queue_put(task->output.queue, &(struct work){.run = work, .destroy = destroy_nothing});
    for (int i = 0; i < frames; i++) {
        struct film_frame frame = {.number = i, .width = SIDE, .height = SIDE, .values = malloc(sizeof(float[3][SIDE][SIDE]))};
        for (int s = 0; s < 3 * SIDE * SIDE; s++)
            frame.values[s] = (float)(s * (i + 3) % 101) / 51 - 1;
        UNIT_OK(output_frame(&task->output, &frame));
    }
    UNIT_OK(output_end(&config, scratch, task));
    return task;
}

static void test_written(void)
{
    struct task_queue queue = {0};
    CU_ASSERT_FATAL(scratch_create());
    config_init(&config);
    config.frames.png = true;
    CU_ASSERT_PTR_NULL(task_queue_take_written(&queue, 0));
    struct task *shorter = begin("shorter", 0, NULL);
    while (!work_queue_is_done(shorter->output.queue))
        usleep(100);
    struct task *longer = begin("longer", 1, wait_at_gate);
    task_queue_append(&queue, longer);
    task_queue_append(&queue, shorter);
    CU_ASSERT(!work_queue_is_done(longer->output.queue));
    CU_ASSERT_PTR_EQUAL(task_queue_take_written(&queue, 2), shorter);
    CU_ASSERT_PTR_NULL(task_queue_take_written(&queue, 2));
    gate_is_open = true;
    CU_ASSERT_PTR_EQUAL(task_queue_take_written(&queue, 0), longer);
    CU_ASSERT_EQUAL(queue.count, 0);
    UNIT_OK(output_finish(scratch, longer));
    task_queue_append(&queue, shorter);
    task_queue_clear(&queue);
    CU_ASSERT_PTR_NULL(queue.first);
    task_destroy(&longer);
    scratch_remove();
}

static void test_order(void)
{
    static const double work[] = {2, 3, 1, 3, 2}, sorted[] = {3, 3, 2, 2, 1};
    static const int64_t ids[] = {1, 3, 0, 4, 2}; // equal ones as they came
    struct task_queue queue = {0};
    for (int i = 0; i < 5; i++) {
        struct task *task = task_create();
        task->work = work[i];
        task->record.id = i;
        task->image.width = task->image.height = 2;
        task->image.raster.file_size = i == 3 ? 1000 : 0;
        task_queue_put(&queue, task);
    }
    CU_ASSERT_EQUAL(queue.count, 5);
    CU_ASSERT_EQUAL(queue.bytes, 5 * 3 * 4 * sizeof(float) + 1000);
    for (int i = 0; i < 5; i++) {
        struct task *task = task_queue_take(&queue);
        CU_ASSERT_EQUAL(task->work, sorted[i]);
        CU_ASSERT_EQUAL(task->record.id, ids[i]);
        task_destroy(&task);
    }
    CU_ASSERT_PTR_NULL(task_queue_take(&queue));
    CU_ASSERT_EQUAL(queue.bytes, 0);
}

static const struct unit_test tests[] = {{"the largest first", test_order}, {"outputs that are being written", test_written}};
UNIT_MAIN("task_queue", tests)
