// SPDX-License-Identifier: MIT
// The folder <output>/checkpoints: one file for each dream that has been begun and is not done, named after its picture's digest: it is
// found again wherever the picture comes in the inputs, and another picture under the same name does not find it.
// Of a clip there are more files, whose names begin with that one's and a dash (coordinator/clip).
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/config/config.h"
#include "common/system/file.h"
#include "coordinator/output/stale_files.h"
#include "coordinator/task/task.h"

enum { CHECKPOINT_NAME = 32 };

struct checkpoint_name {
    char text[CHECKPOINT_NAME + 1]; // the first digits of the digest, in hex
};

struct checkpoint_folder {
    char folder[FILE_PATH_MAX];
    bool earlier;                     // it was there, of an earlier run
    struct checkpoint_name *obsolete; // [count] of images that are done
    size_t count, room;
};

enum status checkpoint_folder_init(struct checkpoint_folder *checkpoints, const char *output) MUST_CHECK;
void checkpoint_folder_destroy(struct checkpoint_folder *checkpoints);

// Where that of a picture is, by the digest of its bytes. Makes the folder.
enum status checkpoint_folder_path(const struct checkpoint_folder *checkpoints, const char *sha256, char path[FILE_PATH_MAX]) MUST_CHECK;

// Into task->earlier, if its picture has one; the task is loaded. One that cannot be used is a warning, and the dream begins anew. For any
// thread.
enum status checkpoint_folder_load(const struct checkpoint_folder *checkpoints, const struct config *config, struct task *task) MUST_CHECK;

// The image is done, and its row on the way to the run file. Its checkpoint goes with checkpoint_folder_clean().
void checkpoint_folder_are_obsolete(struct checkpoint_folder *checkpoints, const char *sha256);

// All rows are in the run file: nobody needs the obsolete ones any more.
void checkpoint_folder_clean(struct checkpoint_folder *checkpoints);

// No rank will write one any more. `all_done`: nor will anybody need one, also of those that a killed run has left: all go. The folder goes
// if it is empty.
void checkpoint_folder_end(const struct checkpoint_folder *checkpoints, bool all_done);

// Calls `see` with the name, the first digits of its picture's digest, and the path of each checkpoint of an earlier run. Returns how many
// there are. `see` may be NULL.
int64_t checkpoint_folder_look(const char *output, void (*see)(void *context, const char *name, const char *path), void *context);

// Removes the checkpoints that an earlier run has left, but for those to keep, by their names (NULL: none), and what a killed run had not
// written to its end. The folder goes if nothing else is in it. There may be none.
enum status checkpoint_folder_remove(const char *output, stale_files_keep keep, void *context) MUST_CHECK;
