// SPDX-License-Identifier: MIT
// Whose outputs are written comes first, and nobody waits until there are too many.
#include "coordinator/task/ending.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/system/file.h"
#include "scratch.h"
#include "unit.h"

enum { SIDE = 512 };

static struct config config;

static struct task *begin(const char *name, int frames)
{
    struct task *task = task_create();
    snprintf(task->name, sizeof task->name, "%s", name);
    UNIT_OK(image_create(&task->image, SIDE, SIDE));
    memset(task->image.rgb, 0, sizeof(float[3][SIDE][SIDE]));
    task->image.bits = 8;
    UNIT_OK(output_begin_dream(&config, scratch, task));
    for (int i = 0; i < frames; i++) {
        struct film_frame frame = {.number = i, .width = SIDE, .height = SIDE, .values = malloc(sizeof(float[3][SIDE][SIDE]))};
        for (int s = 0; s < 3 * SIDE * SIDE; s++)
            frame.values[s] = (float)(s * (i + 3) % 101) / 51 - 1;
        UNIT_OK(output_frame(&task->output, &frame));
    }
    UNIT_OK(output_end(&config, scratch, task));
    return task;
}

static void test_ending(void)
{
    struct ending ending = {0};
    CU_ASSERT_FATAL(scratch_create());
    config_init(&config);
    config.frames.png = true;
    CU_ASSERT_PTR_NULL(ending_take(&ending, 0));
    struct task *shorter = begin("shorter", 0);
    while (!work_queue_is_done(shorter->output.queue))
        usleep(100);
    struct task *longer = begin("longer", 6);
    ending_put(&ending, longer);
    ending_put(&ending, shorter);
    CU_ASSERT(!work_queue_is_done(longer->output.queue)); // three frames of noise take it far longer
    CU_ASSERT_PTR_EQUAL(ending_take(&ending, 2), shorter);
    CU_ASSERT_PTR_NULL(ending_take(&ending, 2));
    CU_ASSERT_PTR_EQUAL(ending_take(&ending, 0), longer);
    CU_ASSERT_EQUAL(ending.count, 0);
    UNIT_OK(output_finish(scratch, longer));
    ending_put(&ending, shorter);
    ending_clear(&ending);
    CU_ASSERT_PTR_NULL(ending.first);
    task_destroy(&longer);
    scratch_remove();
}

static const struct unit_test tests[] = {{"outputs that are being written", test_ending}};
UNIT_MAIN("ending", tests)
