// SPDX-License-Identifier: MIT
// An objective over the network with random weights, and pictures pushed through it.
#pragma once

#include "weights_given.h"
#include "worker/network/engine.h"

struct setup {
    struct config config;
    struct objective objective;
    struct engine *engine;
    float *weights;
};

static inline void set_up(struct setup *s, const char *targets, enum config_objective objective)
{
    char setting[256];
    memset(s, 0, sizeof *s);
    config_init(&s->config);
    snprintf(setting, sizeof setting, "targets=%s", targets);
    UNIT_OK(config_set(&s->config, setting));
    s->config.objective = objective;
    s->weights = weights_random(network_inception_v3(), 2);
    UNIT_OK(objective_init(&s->objective, &s->config, s->weights, NETWORK_CLASSES_MAX));
    CU_ASSERT_EQUAL(s->objective.count, s->config.targets.count);
    UNIT_OK(engine_create(&s->engine, &s->objective, s->weights, NULL));
}

static inline void tear_down(struct setup *s)
{
    engine_destroy(&s->engine);
    objective_destroy(&s->objective);
    free(s->weights);
}

static inline struct tile whole_tile(int width, int height)
{
    const struct rectangle all = {.width = width, .height = height};
    return (struct tile){.window = all, .core = all, .reach = all};
}

// A window of a picture (3, height, width) forward through the network.
static inline struct executor *forward(struct setup *s, const float *image, int width, int height, const struct rectangle *window)
{
    struct executor *executor;
    UNIT_OK(engine_executor(s->engine, window->width, window->height, &executor));
    float *to = executor_image(executor);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < window->height; y++, to += window->width)
            memcpy(to, image + naive_count(c, height, width) + (size_t)(window->y + y) * (size_t)width + (size_t)window->x,
                   (size_t)window->width * sizeof *to);
    UNIT_OK(executor_forward(executor));
    return executor;
}

static inline struct executor *forward_whole(struct setup *s, int width, int height)
{
    const struct tile whole = whole_tile(width, height);
    float *image = naive_random(naive_count(3, height, width), 3);
    struct executor *executor = forward(s, image, width, height, &whole.window);
    free(image);
    return executor;
}

static inline float *planar_target(struct executor *executor, int t)
{
    const struct tensor a = executor_target(executor, t);
    float *planar = naive_alloc(naive_count(a.channels, a.height, a.width) * sizeof *planar);
    naive_unblock(a.data, planar, a.channels, (size_t)a.height * (size_t)a.width, a.block);
    return planar;
}

static inline bool close_to(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fabs(b);
}

// All of an octave of these pixels, not rolled.
static inline struct objective_view objective_view_of(const struct setup *s, const struct tile *tile, int width, int height)
{
    struct objective_view view = {.tile = tile, .width = width, .height = height};
    objective_values(&s->objective, width, height, view.values);
    return view;
}
