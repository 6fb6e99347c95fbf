// SPDX-License-Identifier: MIT
// The folder <output>/checkpoints: one file for each dream that has been begun and is not done, named after the image's id.
#ifndef ONEIROS_COORDINATOR_CHECKPOINTS_H
#define ONEIROS_COORDINATOR_CHECKPOINTS_H

#include <stddef.h>
#include <stdint.h>

#include "common/config.h"
#include "common/file.h"
#include "coordinator/task.h"

struct checkpoints {
    char folder[FILE_PATH_MAX];
    int64_t *obsolete; // [count] images that are done
    size_t count, room;
};

enum status checkpoints_init(struct checkpoints *checkpoints, const char *output) MUST_CHECK;
void checkpoints_destroy(struct checkpoints *checkpoints);

// Where an image's is. Makes the folder.
enum status checkpoints_path(const struct checkpoints *checkpoints, int64_t image, char path[FILE_PATH_MAX]) MUST_CHECK;

// Into task->earlier, if the image has one; the task is loaded. One that cannot be used is a warning, and the dream begins anew; but if
// it is of another picture, STATUS_FORMAT. For any thread.
enum status checkpoints_load(const struct checkpoints *checkpoints, const struct config *config, struct task *task) MUST_CHECK;

// The image is done, and its row on the way to the run file. Its checkpoint goes with checkpoints_clean().
void checkpoints_are_obsolete(struct checkpoints *checkpoints, int64_t image);

// All rows are in the run file: nobody needs the obsolete ones any more.
void checkpoints_clean(struct checkpoints *checkpoints);

// No rank will write one any more: the folder goes if it is empty.
void checkpoints_end(const struct checkpoints *checkpoints);

// Removes all checkpoints, and the folder if nothing else is in it. There may be none.
enum status checkpoints_remove(const char *output) MUST_CHECK;

// Removes only those that a killed run had not written to their end.
enum status checkpoints_remove_aside(const char *output) MUST_CHECK;

#endif
