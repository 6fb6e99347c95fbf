// SPDX-License-Identifier: MIT
// The pictures under a folder, one at a time, in byte order of the names in each folder, links followed (intake.h says which are left out).
#pragma once

#include <fts.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/system/file.h"

// The output folder: what an earlier run wrote there is not an input.
struct output_folder {
    char *path; // without links; NULL: it is not there
    dev_t device;
    ino_t inode;
};

// The pictures under a folder, one at a time.
struct intake_walk {
    FTS *tree; // NULL: no walk
    const struct output_folder *output;
    bool inside;                              // the folder is the output folder of a run, this or another one, or in this run's
    int level;                                // of the folders in which a run may have put pictures, from 0, the folder itself
    bool videos;                              // are given out, too
    bool quiet;                               // not a word of folders left out
    int64_t pictures, others, ours, failures; // so far; ours: written by a run
};

// `output`: the output folder, which may be none. It stays the caller's, and outlives the walk.
enum status intake_walk_open(struct intake_walk *walk, const char *folder, const struct output_folder *output, bool videos,
                             bool quiet) MUST_CHECK;
void intake_walk_close(struct intake_walk *walk); // a zeroed one is fine

// The next picture's path, or *end (and the walk is closed). On failure `path` is what could not be read; the walk goes on after it.
enum status intake_walk_next(struct intake_walk *walk, char path[FILE_PATH_MAX], bool *end) MUST_CHECK;

// Zeroed if it is not there.
void output_folder_find(struct output_folder *output, const char *path);
void output_folder_release(struct output_folder *output);

// Whether this may be the path of a picture that an earlier run into the output folder wrote. `name`: the last part of it.
bool output_folder_may_hold(const struct output_folder *output, const char *path, const char *name);

// Whether it is the run file of a run into it.
bool output_folder_has_run_file(const struct output_folder *output, const char *path, const char *name);
