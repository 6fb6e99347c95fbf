// SPDX-License-Identifier: MIT
// A scratch folder with checkpoints of pictures that are known by a letter.
#pragma once

#include <string.h>

#include "coordinator/task/checkpoint_folder.h"
#include "scratch.h"
#include "unit.h"

static struct config config;
static struct checkpoint_folder checkpoints;

static inline void begin_checkpoints(void)
{
    CU_ASSERT_FATAL(scratch_create());
    config_init(&config);
    UNIT_OK(checkpoint_folder_init(&checkpoints, scratch));
}

static inline void end(void)
{
    checkpoint_folder_destroy(&checkpoints);
    scratch_remove();
}

static inline const char *digest(char letter)
{
    static char text[65];
    memset(text, letter, 64);
    return text;
}
