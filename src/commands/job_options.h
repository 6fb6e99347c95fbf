// SPDX-License-Identifier: MIT
// The command line of `oneiros dream` and `oneiros explain`: what is typed, and the configuration that follows from it, from the preset,
// from the file and from the environment.
#ifndef ONEIROS_COMMANDS_JOB_OPTIONS_H
#define ONEIROS_COMMANDS_JOB_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "common/config.h"
#include "common/file.h"
#include "common/log.h"

struct job_options {
    struct config config;       // defaults < preset < file < environment < -s, whatever the order on the command line; checked
    char output[FILE_PATH_MAX]; // folder, as typed; empty only with print_config
    int input_count;            // >= 1, unless print_config
    char **inputs;              // points into argv
    enum log_level log_level;   // from -q and -v; not applied yet
    bool explain;               // `oneiros explain`: look at the pictures, do not dream
    double max_seconds;         // save and end after so many; 0: no limit
    bool force;                 // replace the run that the folder holds already, instead of going on with it
    bool resume;                // only go on with a run that is there
    bool dry_run;
    bool print_config; // print `config` and stop
    bool help;         // print the help and stop; nothing else above is filled
};

// argv[0] is "dream" or "explain"; argv is reordered so that the inputs come last. `environment` is that of the process.
enum status job_options_parse(struct job_options *options, int argc, char **argv, char *const *environment) MUST_CHECK;

// config_check(), and that every target is a layer of the network, with the channels asked for, and no layer is there twice.
enum status job_options_check(const struct config *config) MUST_CHECK;

void job_options_print_help(bool explain, FILE *stream);

#endif
