// SPDX-License-Identifier: MIT
// An objective over the network with random weights, a job on it by a team of one, and pictures pushed through it. Nothing depends on what
// the network has learned.
#pragma once

#include "job/tile_rules.h"
#include "slab_setup.h"
#include "weights_given.h"
#include "worker/network/image_job.h"

struct setup {
    struct config config;
    struct objective objective;
    struct engine *engine;
    struct timing timing;
    struct tile_rules rules; // as the configuration has them
    struct image_job job;    // its hooks are the caller's, but that it never stops
};

static float *setup_the_weights;

static inline void setup_free_weights(void)
{
    free(setup_the_weights);
}

// The same for all tests of a program.
static inline const float *setup_weights(void)
{
    if (!setup_the_weights) {
        setup_the_weights = weights_random(network_inception_v3(), 3);
        atexit(setup_free_weights);
    }
    return setup_the_weights;
}

static inline bool setup_never(void *context)
{
    (void)context;
    return false;
}

// `s` stays where it is until tear_down().
static inline void set_up_config(struct setup *s, const struct config *config)
{
    struct tile_plan plan;
    *s = (struct setup){.config = *config};
    UNIT_OK(tile_rules_resolve(&s->config, UINT64_MAX, &plan));
    s->rules = plan.rules;
    UNIT_OK(objective_init(&s->objective, &s->config, setup_weights(), NETWORK_CLASSES_MAX));
    UNIT_OK(engine_create(&s->engine, &s->objective, setup_weights(), NULL));
    s->job = (struct image_job){
        .engine = s->engine, .objective = &s->objective, .rules = &s->rules, .image = 7, .picture = 7, .stop = setup_never};
    UNIT_OK(team_create(&s->job.team, MPI_COMM_NULL, &(int32_t){0}, 1, &s->timing));
}

static inline void configure_objective(struct config *config, const char *targets, enum config_objective objective)
{
    char setting[256];
    config_init(config);
    snprintf(setting, sizeof setting, "targets=%s", targets);
    UNIT_OK(config_set(config, setting));
    config->objective = objective;
    config->saturation = SATURATION_NONE; // A^2 and no less
}

static inline void set_up(struct setup *s, const char *targets, enum config_objective objective)
{
    struct config config;
    configure_objective(&config, targets, objective);
    set_up_config(s, &config);
    CU_ASSERT_EQUAL(s->objective.count, s->config.targets.count);
}

static inline void tear_down(struct setup *s)
{
    team_destroy(&s->job.team);
    engine_destroy(&s->engine);
    objective_destroy(&s->objective);
}

static inline struct tile whole_tile(int width, int height)
{
    const struct rectangle all = {.width = width, .height = height};
    return (struct tile){.window = all, .core = all, .reach = all};
}

static inline double clip(double value)
{
    return fmax(-1, fmin(1, value));
}

// Waves and a little noise, which survive resampling as photographs do, cut off at -1 and 1, where the resampler overshoots.
static inline float *wavy_picture(int width, int height)
{
    float *rgb = naive_random(naive_count(3, height, width), 11), *value = rgb;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++, value++)
                *value = (float)clip(0.02 * *value + 1.8 * sin(0.11 * x + c) * cos(0.07 * y - 2 * c));
    return rgb;
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

static inline struct executor *forward_random(struct setup *s, int width, int height, uint32_t seed)
{
    const struct tile whole = whole_tile(width, height);
    float *image = naive_random(naive_count(3, height, width), seed);
    struct executor *executor = forward(s, image, width, height, &whole.window);
    free(image);
    return executor;
}

// A random guide of this size; what the targets see of it is there until the next pass.
static inline struct executor *show_guide(struct setup *s, int width, int height)
{
    struct executor *executor = forward_random(s, width, height, 12);
    UNIT_OK(objective_set_guide(&s->objective, executor));
    return executor;
}

static inline float *planar_target(struct executor *executor, int t)
{
    const struct tensor a = executor_target(executor, t);
    float *planar = naive_alloc(naive_count(a.channels, a.height, a.width) * sizeof *planar);
    naive_unblock(a.data, planar, a.channels, (size_t)a.height * (size_t)a.width, a.block);
    return planar;
}

static inline bool close_to(double a, double b, double limit)
{
    return fabs(a - b) <= limit * fabs(b);
}

// But for the order of sums.
static inline bool agrees(double a, double b)
{
    return close_to(a, b, 1e-12);
}

// All of an octave of these pixels, not rolled.
static inline struct objective_view objective_view_of(const struct setup *s, const struct tile *tile, int width, int height)
{
    struct objective_view view = {.tile = tile, .width = width, .height = height};
    objective_values(&s->objective, width, height, view.values);
    return view;
}
