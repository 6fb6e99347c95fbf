// SPDX-License-Identifier: MIT
// What all parts of a coordinator know of the run. Borrowed: it outlives them.
#pragma once

#include "common/config/config.h"
#include "common/wire/messages.h"
#include "coordinator/schedule/schedule.h"
#include "runfile/run_file.h"

struct run_setup {
    enum job_kind kind;                                                 // what is done with each image
    double (*work)(const struct config *config, int width, int height); // of an image, in pixels through the network, for the progress
    const struct schedule *schedule;
    const struct config *config;
    const char *output; // folder, exists
    struct run_file_header header;
};
