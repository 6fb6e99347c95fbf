// SPDX-License-Identifier: MIT
// Whose film is done comes first, and nobody waits until there are too many.
#include "coordinator/ending.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/file.h"
#include "scratch.h"
#include "unit.h"

enum { SIDE = 512 };

static struct config config;

static struct task *begin(const char *name, int frames)
{
    struct task *task = task_create();
    char folder[FILE_PATH_MAX];
    UNIT_OK(file_join(folder, scratch, name));
    UNIT_OK(file_make_folder(folder));
    UNIT_OK(film_create(&task->findings.film, &(struct film_options){.folder = folder, .config = &config, .width = SIDE, .height = SIDE}));
    for (int i = 0; i < frames; i++) {
        struct film_frame frame = {.number = i, .width = SIDE, .height = SIDE, .values = malloc(sizeof(float[3][SIDE][SIDE]))};
        for (int s = 0; s < 3 * SIDE * SIDE; s++)
            frame.values[s] = (float)(s * (i + 3) % 101) / 51 - 1;
        UNIT_OK(film_add(task->findings.film, &frame));
    }
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
    film_end(shorter->findings.film);
    while (!film_is_done(shorter->findings.film))
        usleep(100);
    struct task *longer = begin("longer", 6);
    ending_put(&ending, longer);
    ending_put(&ending, shorter);
    CU_ASSERT(!film_is_done(longer->findings.film)); // three frames of noise take it far longer
    CU_ASSERT_PTR_EQUAL(ending_take(&ending, 2), shorter);
    CU_ASSERT_PTR_NULL(ending_take(&ending, 2));
    CU_ASSERT_PTR_EQUAL(ending_take(&ending, 0), longer);
    CU_ASSERT_EQUAL(ending.count, 0);
    UNIT_OK(film_finish(&longer->findings.film));
    ending_put(&ending, shorter);
    ending_clear(&ending);
    CU_ASSERT_PTR_NULL(ending.first);
    task_destroy(&longer);
    scratch_remove();
}

static const struct unit_test tests[] = {{"films that are ending", test_ending}};
UNIT_MAIN("ending", tests)
