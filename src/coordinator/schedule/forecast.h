// SPDX-License-Identifier: MIT
// A whole run played through in the model of schedule.h, before it begins.
#pragma once

#include "coordinator/schedule/schedule.h"

struct forecast {
    double end;  // when all is done, in units of cost
    double busy; // share of the workers' time until then that the images would take with one rank each: 0 to 1, 0 where there are none
};

// Workers are known by when they become free, sorted: the first `team` of them now end at `done`, later than they begin.
void forecast_occupy(double *free_at, int workers, int team, double done);

// All images are known and decoded from the start, and no input fails: a real run, which takes them in one by one, may choose otherwise.
// teams[i]: ranks of images[i], in the caller's order; 0 for those that fit no team, which are left out. STATUS_LIMIT without memory.
enum status forecast_run(const struct schedule *schedule, const struct schedule_image *images, int count, int *teams,
                         struct forecast *forecast) MUST_CHECK;
