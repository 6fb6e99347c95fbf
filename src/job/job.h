// SPDX-License-Identifier: MIT
// A job over a set of pictures, under mpirun, srun or alone: rank 0 becomes the coordinator, the others workers.
#pragma once

#include <stdbool.h>

#include "common/config/config.h"
#include "common/system/file.h"
#include "common/system/log.h"

// Exit codes, stable for scripts.
enum {
    EXIT_ALL_DONE = 0,
    EXIT_INTERNAL = 1,
    EXIT_USAGE = 2,       // command line or configuration
    EXIT_SOME_FAILED = 3, // some images failed, the others are complete
    EXIT_STOPPED = 75,    // stopped by a signal (EX_TEMPFAIL: run again)
};

// The exit code for a status.
int exit_code(enum status rc);

// What is typed.
struct job_options {
    struct config config;       // defaults < preset < file < environment < -s, whatever the order on the command line; checked
    char output[FILE_PATH_MAX]; // folder, as typed, or "dreams", "why" or "atlas"
    int input_count;            // >= 1, unless print_config
    char **inputs;              // points into argv, or to `made`
    int64_t channels;           // of an atlas: so many of the inputs are its channels
    char **made;                // of an atlas: its channels before what was typed; malloc'ed, with their texts behind them, or NULL
    enum log_level log_level;   // from -q and -v; not applied yet
    char unseen[512];           // keys of -s that this command does not look at, with commas
    enum config_use use;        // the command
    double max_seconds;         // save and end after so many; 0: no limit
    bool force;                 // replace the run that the folder holds already, instead of going on with it
    bool resume;                // only go on with a run that is there
    bool dry_run;
    bool print_config; // print `config` and stop
    bool help;         // print the help and stop; nothing else above is filled
};

// Collective over all processes of the job. `typed`: how it went to find out the options of this one; if it did not on any, that ends all.
// Returns the exit code; whatever went wrong has been said.
int run_job(struct job_options *options, enum status typed);
