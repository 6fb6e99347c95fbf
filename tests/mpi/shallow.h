// SPDX-License-Identifier: MIT
// Something to dream with that is quick: the first layers of the network with random weights, and small tiles.
#pragma once

#include "worker/job_setup.h"

// `settings` are "key=value", up to NULL, on top of: two early targets, tiles of 112 pixels with the least halo.
static inline void shallow_create(struct setup *s, const char *const *settings)
{
    struct config config;
    config_init(&config);
    UNIT_OK(config_set(&config, "targets=mixed0:1,conv2d_5:0.5"));
    UNIT_OK(config_set(&config, "gradient_above=conv2d_3"));
    config.tile.size = 112;
    config.tile.halo = 40;
    config.tile.blend = 8;
    for (; *settings; settings++)
        UNIT_OK(config_set(&config, *settings));
    set_up_config(s, &config);
}

// The job as another team has it.
static inline struct image_job shallow_job(struct setup *s, struct team *team)
{
    struct image_job job = s->job;
    job.team = team;
    return job;
}
