// SPDX-License-Identifier: MIT
// What `oneiros dream --dry-run` found, as text: a line for each input, then a few for all of them.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "coordinator/schedule/forecast.h"
#include "coordinator/schedule/schedule.h"
#include "job/tile_rules.h"

struct dry_input {
    char *source;
    char *error; // why it would fail; NULL: it would not, and what follows holds
    struct schedule_image image;
    int bits; // bits a sample
    bool alpha;
    int team; // ranks
};

struct dry_plan {
    struct schedule schedule;
    struct tile_plan tiles;
    struct forecast forecast;
    struct dry_input *inputs; // [count], in the order in which they were named
    int count, capacity;
};

void dry_run_print(const struct dry_plan *plan, FILE *stream);
