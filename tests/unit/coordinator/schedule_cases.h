// SPDX-License-Identifier: MIT
// Rules, images and a naive way of placing them, for the tests of schedule and forecast.
#pragma once

#include <math.h>
#include <stdlib.h>

#include "coordinator/schedule/schedule.h"
#include "unit.h"

enum { WORKERS_MAX = 1000 };

static struct config config;

static inline struct schedule schedule_for(int workers)
{
    config_init(&config);
    return (struct schedule){
        .config = &config,
        .tiles = {.size = 512, .halo = 64, .blend = 32, .stride = 16},
        .window_bytes = 400,
        .memory_limit = UINT64_C(1) << 40,
        .workers = workers,
    };
}

// Everything in one octave: cost is in windows, as many as there are tiles.
static inline struct schedule flat_schedule_for(int workers)
{
    const struct schedule schedule = schedule_for(workers);
    config.octaves.count = 1;
    return schedule;
}

// An image that the rules of schedule_for() cut into across x down tiles.
static inline struct schedule_image image_of_tiles(int across, int down)
{
    const int side = 512, step = 512 - 2 * 64;
    return (struct schedule_image){side + (across - 1) * step, side + (down - 1) * step, false};
}

static inline uint32_t next_random(uint32_t *state, uint32_t below)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % below;
}

static inline struct schedule_image random_image(uint32_t *state, int most)
{
    return (struct schedule_image){80 + (int)next_random(state, (uint32_t)most), 80 + (int)next_random(state, (uint32_t)most), false};
}

static inline double cost_of(const struct schedule *schedule, struct schedule_image image, int members)
{
    double cost = 0;
    UNIT_OK(schedule_cost(schedule, image, members, &cost));
    return cost;
}

// The largest team that still makes the image faster; at least schedule_least(), 0 if that is 0.
static inline int most_of(const struct schedule *schedule, struct schedule_image image)
{
    int most = schedule_least(schedule, image);
    for (int members = most + 1; most > 0 && members <= schedule->workers; members++)
        if (cost_of(schedule, image, members) < cost_of(schedule, image, most))
            most = members;
    return most;
}

static inline int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Places an image on the workers that become free first; returns when it is done.
static inline double place(double *times, int workers, int team, double cost)
{
    qsort(times, (size_t)workers, sizeof *times, compare_doubles);
    const double done = times[team - 1] + cost;
    for (int w = 0; w < team; w++)
        times[w] = done;
    return done;
}

static inline double largest(const double *values, int count)
{
    double most = 0;
    for (int i = 0; i < count; i++)
        most = fmax(most, values[i]);
    return most;
}

static const struct schedule *sorting_for;

static inline int compare_images(const void *a, const void *b)
{
    const double x = cost_of(sorting_for, *(const struct schedule_image *)a, 1),
                 y = cost_of(sorting_for, *(const struct schedule_image *)b, 1);
    return (x < y) - (x > y);
}

static inline void sort_images(const struct schedule *schedule, struct schedule_image *images, int count)
{
    sorting_for = schedule;
    qsort(images, (size_t)count, sizeof *images, compare_images);
}
