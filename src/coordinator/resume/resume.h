// SPDX-License-Identifier: MIT
// A run that goes on where an earlier one into the same folder ended, however that was: what is done is left alone.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/config/config.h"
#include "common/picture/tiling.h"
#include "common/system/file.h"
#include "common/wire/messages.h"
#include "runfile/run_file.h"

struct resume_options {
    const char *output; // folder, with a run.h5
    enum job_kind kind;
    const struct config *config;
    char **inputs; // [input_count], as typed
    int input_count;
};

struct resume {
    char path[FILE_PATH_MAX]; // of the run file
    char weights_md5[33];
    struct tile_rules tiles; // without the stride
    enum config_folders folders;
    struct run_earlier earlier; // for run_file_create(): the rows of what is done
    bool *done;                 // [count] of the inputs that the earlier run had come to
    int64_t count, room;
    int64_t done_count;
    bool complete; // all inputs are done: there is nothing to do
};

// Reads DIR/run.h5 and goes through the inputs as far as that run had come. STATUS_USAGE names what differs from that run, if it matters to
// the results: settings, or a picture that was done and is another one now. On failure *resume is NULL. Checkpoints that nobody needs go.
enum status resume_create(struct resume **resume, const struct resume_options *options) MUST_CHECK;
void resume_destroy(struct resume **resume);

bool resume_is_done(const struct resume *resume, int64_t image); // false for NULL

// What is only known later: STATUS_USAGE where it differs.
enum status resume_check(const struct resume *resume, const char *weights_md5, const struct tile_rules *tiles) MUST_CHECK;
