// SPDX-License-Identifier: MIT
// The pictures under a folder, one at a time; see intake.h for which and in what order.
#pragma once

#include <fts.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/system/file.h"

// The output folder: what an earlier run wrote there is not an input.
struct intake_output {
    bool exists;
    dev_t device;
    ino_t inode;
};

struct intake_walk {
    FTS *tree; // NULL: no walk
    const struct intake_output *output;
    int64_t pictures, others, failures; // so far
};

// Whether `path` is one that a run with this output folder writes: a dream or CAM in a folder of it.
bool intake_is_output(const struct intake_output *output, const char *path);

enum status intake_walk_open(struct intake_walk *walk, const char *folder, const struct intake_output *output) MUST_CHECK;

// The next picture's path, or *end (and the walk is closed). On failure `path` is what could not be read; the walk goes on after it.
enum status intake_walk_next(struct intake_walk *walk, char path[FILE_PATH_MAX], bool *end) MUST_CHECK;

void intake_walk_close(struct intake_walk *walk);
