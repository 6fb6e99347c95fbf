// SPDX-License-Identifier: MIT
// The command line of `oneiros dream` and `oneiros explain`: what is typed, and the configuration that follows from it, from the preset,
// from the file and from the environment.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "job/job.h"

// argv[0] is "dream" or "explain"; argv is reordered so that the inputs come last. `environment` is that of the process.
enum status arguments_parse(struct job_options *options, int argc, char **argv, char *const *environment) MUST_CHECK;

// config_check(), and that every target is a layer of the network, with the channels asked for, and no layer is there twice.
enum status arguments_check_config(const struct config *config) MUST_CHECK;

void arguments_print_help(enum config_use use, FILE *stream);
