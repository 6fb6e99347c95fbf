// SPDX-License-Identifier: MIT
// The file from which a dream is taken up again: where it stands, its pixels at full precision, its rows of the run file, and what its
// videos are made of so far. Complete or absent; written by one version of the program for the same one.
#pragma once

#include "common/picture/image.h"
#include "common/wire/record_file.h"
#include "common/wire/run_rows.h"
#include "coordinator/results/image_rows.h"

struct checkpoint {
    char sha256[65]; // of the input's bytes
    struct dream_state state;
    float *rgb;             // (3, height, width) of the state's octave, in [-1, 1]
    struct image_rows rows; // before the state
    // Of one that was read: the file, malloc'ed, and what follows in it. Its readers take copies.
    void *memory;
    struct record_reader rest;
};

// Frees what it owns and zeroes it.
void checkpoint_destroy(struct checkpoint *checkpoint);

// `more` writes what follows; NULL: nothing does.
enum status checkpoint_write(const char *path, const struct checkpoint *checkpoint,
                             void (*more)(void *context, struct record_writer *writer), void *context) MUST_CHECK;

// Where the dream stands, from the beginning of the file alone: nothing of it is checked.
enum status checkpoint_glance(const char *path, struct dream_state *state) MUST_CHECK;

// One could not be written, as this thread's message says: a warning, the first time. For any thread.
void checkpoint_warn(void);

// STATUS_UNSUPPORTED: another version wrote it; STATUS_FORMAT: damaged, or none. Sizes beyond the limits are refused before memory is
// allocated. On failure *checkpoint is zeroed.
enum status checkpoint_read(const char *path, const struct image_limits *limits, struct checkpoint *checkpoint) MUST_CHECK;
