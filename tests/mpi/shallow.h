// SPDX-License-Identifier: MIT
// Something to dream with that is quick: the first layers of the network with random weights, small tiles, and a picture.
#pragma once

#include "job/tile_rules.h"
#include "weights_given.h"
#include "worker/network/engine.h"

struct shallow {
    struct config config;
    struct objective objective;
    struct engine *engine;
    struct tile_rules rules;
    float *weights;
};

// `settings` are "key=value", up to NULL, on top of: two early targets, tiles of 112 pixels with the least halo.
static inline void shallow_create(struct shallow *s, const char *const *settings)
{
    struct tile_plan plan;
    *s = (struct shallow){.weights = weights_random(network_inception_v3(), 3)};
    config_init(&s->config);
    UNIT_OK(config_set(&s->config, "targets=mixed0:1,conv2d_5:0.5"));
    UNIT_OK(config_set(&s->config, "gradient_above=conv2d_3"));
    s->config.tile.size = 112;
    s->config.tile.halo = 40;
    s->config.tile.blend = 8;
    for (; *settings; settings++)
        UNIT_OK(config_set(&s->config, *settings));
    UNIT_OK(tile_rules_resolve(&s->config, UINT64_MAX, &plan));
    s->rules = plan.rules;
    UNIT_OK(objective_init(&s->objective, &s->config, s->weights, NETWORK_CLASSES_MAX));
    UNIT_OK(engine_create(&s->engine, &s->objective, s->weights, NULL));
}

static inline void shallow_destroy(struct shallow *s)
{
    engine_destroy(&s->engine);
    objective_destroy(&s->objective);
    free(s->weights);
}

// Waves and a little noise, (3, height, width), which survive resampling as photographs do.
static inline float *shallow_picture(int width, int height)
{
    float *rgb = naive_random(naive_count(3, height, width), 11), *value = rgb;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++, value++)
                *value = (float)fmax(-1, fmin(1, 0.02 * *value + 1.8 * sin(0.11 * x + c) * cos(0.07 * y - 2 * c)));
    return rgb;
}
