// SPDX-License-Identifier: MIT
// The folder of checkpoints: each is its own image's, and those that nobody needs go.
#include "coordinator/task/checkpoint_folder.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoints.h"
#include "common/system/log.h"
#include "files.h"
#include "unit.h"

enum { SIDE = 3 };

static void begin(void)
{
    begin_checkpoints();
    log_set_level(LOG_ERROR);
}

// A checkpoint of image `image`, of the picture `letter`, where that of the picture `place` belongs.
static void put(char place, int64_t image, char letter)
{
    char path[FILE_PATH_MAX];
    struct step_row step = {.image = image};
    struct cam_row map = {.image = image, .grid = {.width = 1, .height = 1}};
    struct checkpoint checkpoint = {.state = {.image = image, .octave = 1, .width = SIDE, .height = SIDE}};
    float rgb[3 * SIDE * SIDE] = {0.5f};
    checkpoint.rgb = rgb;
    UNIT_OK(image_rows_add_step(&checkpoint.rows, &step));
    UNIT_OK(image_rows_add_map(&checkpoint.rows, &map, rgb));
    memset(checkpoint.sha256, letter, 64);
    UNIT_OK(checkpoint_folder_path(&checkpoints, digest(place), path));
    UNIT_OK(checkpoint_write(path, &checkpoint, NULL, NULL));
    image_rows_destroy(&checkpoint.rows);
}

static bool load(int64_t image, char letter)
{
    struct task *task = task_create();
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    task->record.id = image;
    memset(task->record.sha256, letter, 64);
    UNIT_OK(checkpoint_folder_load(&checkpoints, &config, task));
    const struct checkpoint *earlier = &task->earlier;
    const bool found = earlier->rgb != NULL;
    if (found) // whatever the image was when it was saved
        CU_ASSERT(earlier->state.image == image && earlier->rows.steps[0].image == image && earlier->rows.maps[0].image == image);
    task_destroy(&task);
    return found;
}

static void test_load(void)
{
    begin();
    CU_ASSERT(!load(4, 'a'));
    put('a', 4, 'a');
    CU_ASSERT(!load(4, 'a')); // of this run: not looked for
    UNIT_OK(checkpoint_folder_init(&checkpoints, in_scratch("")));
    CU_ASSERT(load(4, 'a'));
    CU_ASSERT(load(5, 'a')); // among other inputs
    CU_ASSERT(!load(4, 'b'));
    put('b', 4, 'a'); // of another picture, as after a renaming
    CU_ASSERT(!load(4, 'b'));
    write_text(in_scratch("checkpoints/cccccccccccccccccccccccccccccccc"), "no checkpoint");
    CU_ASSERT(!load(6, 'c'));
    end();
}

static bool is_there(const char *name)
{
    return access(in_scratch(name), F_OK) == 0;
}

#define A "checkpoints/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "checkpoints/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

// Obsolete ones stay until their rows are written.
static void test_obsolete(void)
{
    begin();
    put('a', 1, 'a');
    put('b', 2, 'b');
    checkpoint_folder_are_obsolete(&checkpoints, digest('a'));
    for (int i = 0; i < 200; i++) // which never had one
        checkpoint_folder_are_obsolete(&checkpoints, digest((char)('c' + i % 4)));
    CU_ASSERT(is_there(A));
    checkpoint_folder_clean(&checkpoints);
    CU_ASSERT(!is_there(A) && is_there(B));
    checkpoint_folder_end(&checkpoints, false);
    CU_ASSERT(is_there(B));
    checkpoint_folder_are_obsolete(&checkpoints, digest('b'));
    checkpoint_folder_clean(&checkpoints);
    checkpoint_folder_end(&checkpoints, false);
    CU_ASSERT(!is_there("checkpoints"));
    put('a', 1, 'a'); // by a run that was killed before it could remove it
    checkpoint_folder_end(&checkpoints, true);
    CU_ASSERT(!is_there("checkpoints"));
    end();
}

static bool is_first(void *context, const char *name)
{
    (void)context;
    return name[0] == 'a' && !strchr(name, '.');
}

static void test_remove(void)
{
    begin();
    UNIT_OK(checkpoint_folder_remove(scratch, NULL, NULL)); // there is no folder
    put('a', 1, 'a');
    write_text(in_scratch(A ".0123abcd.part"), "half");
    write_text(in_scratch("checkpoints/notes"), "somebody's");
    write_text(in_scratch("checkpoints/2024"), "somebody's");
    put('b', 2, 'b');
    UNIT_OK(checkpoint_folder_remove(scratch, is_first, NULL));
    CU_ASSERT(is_there(A) && !is_there(B) && !is_there(A ".0123abcd.part") && is_there("checkpoints/notes"));
    UNIT_OK(checkpoint_folder_remove(scratch, NULL, NULL));
    CU_ASSERT(!is_there(A) && is_there("checkpoints/notes"));
    CU_ASSERT(is_there("checkpoints/2024") && unlink(in_scratch("checkpoints/2024")) == 0);
    CU_ASSERT(unlink(in_scratch("checkpoints/notes")) == 0);
    UNIT_OK(file_make_folder(in_scratch(B))); // somebody's, too
    UNIT_OK(checkpoint_folder_remove(scratch, NULL, NULL));
    CU_ASSERT(rmdir(in_scratch(B)) == 0);
    UNIT_OK(checkpoint_folder_remove(scratch, NULL, NULL));
    CU_ASSERT(!is_there("checkpoints"));
    end();
}

static const struct unit_test tests[] = {
    {"load", test_load},
    {"obsolete", test_obsolete},
    {"remove", test_remove},
};
UNIT_MAIN("checkpoint folder", tests)
