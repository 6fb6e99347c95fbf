// SPDX-License-Identifier: MIT
// The folder <output>/checkpoints: one file for each dream that has been begun and is not done, named after the image's id.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/config/config.h"
#include "common/system/file.h"
#include "coordinator/task/task.h"
#include "runfile/run_file.h"

struct checkpoint_folder {
    char folder[FILE_PATH_MAX];
    bool earlier;      // it was there, of an earlier run
    int64_t *obsolete; // [count] images that are done
    size_t count, room;
};

enum status checkpoint_folder_init(struct checkpoint_folder *checkpoints, const char *output) MUST_CHECK;
void checkpoint_folder_destroy(struct checkpoint_folder *checkpoints);

// Where an image's is. Makes the folder.
enum status checkpoint_folder_path(const struct checkpoint_folder *checkpoints, int64_t image, char path[FILE_PATH_MAX]) MUST_CHECK;

// Into task->earlier, if the image has one; the task is loaded. One that cannot be used is a warning, and the dream begins anew; but if
// it is of another picture, STATUS_FORMAT. For any thread.
enum status checkpoint_folder_load(const struct checkpoint_folder *checkpoints, const struct config *config, struct task *task) MUST_CHECK;

// The image is done, and its row on the way to the run file. Its checkpoint goes with checkpoint_folder_clean().
void checkpoint_folder_are_obsolete(struct checkpoint_folder *checkpoints, int64_t image);

// All rows are in the run file: nobody needs the obsolete ones any more.
void checkpoint_folder_clean(struct checkpoint_folder *checkpoints);

// No rank will write one any more: the folder goes if it is empty.
void checkpoint_folder_end(const struct checkpoint_folder *checkpoints);

// Removes the checkpoints that an earlier run has left: those of images whose rows are kept, since they are done, or all (NULL), and what a
// killed run had not written to its end. The folder goes if nothing else is in it. There may be none.
enum status checkpoint_folder_remove(const char *output, struct run_earlier *earlier) MUST_CHECK;
