// SPDX-License-Identifier: MIT
// What has become of a run so far, of its output folder: while it starts or goes on, after its end, when it was stopped or killed. Only
// reads, and so disturbs nobody.
#pragma once

#include <stdbool.h>
#include <time.h>

#include "common/system/folder_lock.h"
#include "runfile/run_reader.h"

enum run_phase {
    RUN_STARTING, // at work, and has written nothing yet: what is known is of the session before, if there was one
    RUN_GOES_ON,
    RUN_COMPLETE, // every input is done or has failed
    RUN_STOPPED,  // it ended before it was complete: by a signal, its time limit or an error
    RUN_KILLED,   // or without a word
};

enum { RUN_FAILURES_NAMED = 5, RUN_REASONS_MAX = 32, RUN_REASON_SOURCES = 3 };

// The first pictures that failed, by their place among the inputs, and how often each reason. Reasons that differ in numbers, but
// for what a server answered, and in the name of the picture alone are one.
struct run_failures {
    size_t named, reasons; // how many of these are known
    struct run_failure {
        int64_t image;
        char source[ROW_SOURCE_MAX], error[ROW_ERROR_MAX];
    } first[RUN_FAILURES_NAMED];
    struct run_reason {
        int64_t count;
        char key[ROW_ERROR_MAX]; // what their errors have in common
        size_t named;
        struct run_failure first[RUN_REASON_SOURCES];
    } reason[RUN_REASONS_MAX]; // the most frequent first
    int64_t others;            // pictures with further reasons
};

struct run_state {
    char folder[FILE_PATH_MAX];
    enum run_phase phase;
    bool held;                   // the folder is, by:
    struct folder_holder holder; // who may be gone
    bool unwritten;              // that has written nothing: what is known is of the session before
    struct run_reader *reader;   // of its run file; NULL: there is none yet
    struct run_progress known;   // counts are never negative but for inputs and in_hand
    time_t started, written;     // by the run's clock; by that of the file system
    double idle;                 // seconds since it was written, by this machine's clock
    bool rows_wait;              // for room on the disk, or a quicker one
    struct run_failures failures;
};

// Of an output folder, or a run file. STATUS_IO, STATUS_FORMAT: there is no run, or its file cannot be read. On failure *state is NULL.
enum status run_state_read(struct run_state **state, const char *given) MUST_CHECK;
void run_state_destroy(struct run_state **state); // NULL is fine

const char *run_phase_name(enum run_phase phase); // "goes on"
