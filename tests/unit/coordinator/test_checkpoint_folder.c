// SPDX-License-Identifier: MIT
// The folder of checkpoints: each is its own image's, and those that nobody needs go.
#include "coordinator/task/checkpoint_folder.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/system/log.h"
#include "files.h"
#include "scratch.h"
#include "unit.h"

enum { SIDE = 3 };
static struct config config;
static struct checkpoint_folder checkpoints;

static void begin(void)
{
    CU_ASSERT_FATAL(scratch_create());
    config_init(&config);
    log_set_level(LOG_ERROR);
    UNIT_OK(checkpoint_folder_init(&checkpoints, scratch));
}

static void end(void)
{
    checkpoint_folder_destroy(&checkpoints);
    scratch_remove();
}

// A checkpoint of image `image`, of a picture that is known by `letter`, where that of image `place` belongs.
static void put(int64_t place, int64_t image, char letter)
{
    char path[FILE_PATH_MAX];
    struct checkpoint checkpoint = {.state = {.image = image, .width = SIDE, .height = SIDE}};
    float rgb[3 * SIDE * SIDE] = {0.5f};
    checkpoint.rgb = rgb;
    memset(checkpoint.sha256, letter, 64);
    UNIT_OK(checkpoint_folder_path(&checkpoints, place, path));
    UNIT_OK(checkpoint_write(path, &checkpoint, NULL, NULL));
}

static enum status load(int64_t image, char letter, bool *found)
{
    struct task *task = task_create();
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    task->record.id = image;
    memset(task->record.sha256, letter, 64);
    const enum status rc = checkpoint_folder_load(&checkpoints, &config, task);
    *found = task->earlier.rgb != NULL;
    task_destroy(&task);
    return rc;
}

static void test_load(void)
{
    bool found;
    begin();
    UNIT_OK(load(4, 'a', &found));
    CU_ASSERT(!found);
    put(4, 4, 'a');
    UNIT_OK(load(4, 'a', &found)); // of this run: not looked for
    CU_ASSERT(!found);
    UNIT_OK(checkpoint_folder_init(&checkpoints, in_scratch("")));
    UNIT_OK(load(4, 'a', &found));
    CU_ASSERT(found);
    UNIT_OK(load(5, 'a', &found));
    CU_ASSERT(!found);
    UNIT_FAILS(load(4, 'b', &found), STATUS_FORMAT, "has changed since its dream was begun");
    put(5, 4, 'a'); // of another image, as after a renaming: its steps are not those of this one
    UNIT_OK(load(5, 'a', &found));
    CU_ASSERT(!found);
    write_text(in_scratch("checkpoints/6"), "no checkpoint");
    UNIT_OK(load(6, 'a', &found));
    CU_ASSERT(!found);
    end();
}

static bool is_there(const char *name)
{
    return access(in_scratch(name), F_OK) == 0;
}

// Obsolete ones stay until their rows are written.
static void test_obsolete(void)
{
    begin();
    put(1, 1, 'a');
    put(2, 2, 'a');
    checkpoint_folder_are_obsolete(&checkpoints, 1);
    for (int i = 0; i < 200; i++) // which never had one
        checkpoint_folder_are_obsolete(&checkpoints, 1000 + i);
    CU_ASSERT(is_there("checkpoints/1"));
    checkpoint_folder_clean(&checkpoints);
    CU_ASSERT(!is_there("checkpoints/1") && is_there("checkpoints/2"));
    checkpoint_folder_end(&checkpoints);
    CU_ASSERT(is_there("checkpoints"));
    checkpoint_folder_are_obsolete(&checkpoints, 2);
    checkpoint_folder_clean(&checkpoints);
    checkpoint_folder_end(&checkpoints);
    CU_ASSERT(!is_there("checkpoints"));
    end();
}

static bool is_even(void *context, int64_t image)
{
    (void)context;
    return image % 2 == 0;
}

static void test_remove(void)
{
    struct run_earlier even = {.keep = is_even};
    begin();
    UNIT_OK(checkpoint_folder_remove(scratch, &even)); // there is no folder
    put(1, 1, 'a');
    put(12, 12, 'a');
    write_text(in_scratch("checkpoints/1.0123abcd.part"), "half");
    write_text(in_scratch("checkpoints/notes"), "somebody's");
    UNIT_OK(checkpoint_folder_remove(scratch, &even));
    CU_ASSERT(is_there("checkpoints/1") && !is_there("checkpoints/12") && !is_there("checkpoints/1.0123abcd.part"));
    UNIT_OK(checkpoint_folder_remove(scratch, NULL));
    CU_ASSERT(!is_there("checkpoints/1") && is_there("checkpoints/notes"));
    unlink(in_scratch("checkpoints/notes"));
    UNIT_OK(checkpoint_folder_remove(scratch, NULL));
    CU_ASSERT(!is_there("checkpoints"));
    end();
}

static const struct unit_test tests[] = {
    {"load", test_load},
    {"obsolete", test_obsolete},
    {"remove", test_remove},
};
UNIT_MAIN("checkpoint folder", tests)
