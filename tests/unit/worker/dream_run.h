// SPDX-License-Identifier: MIT
// What the tests of the ascent share: a configuration, a picture, and a dream by a team of one. Random weights: nothing here depends on
// what the network has learned.
#pragma once

#include "job/tile_rules.h"
#include "weights_given.h"
#include "worker/ascent/dream.h"

enum { STEPS_MAX = 64, STOP_NEVER = 1000 };

struct record {
    struct step_row steps[STEPS_MAX];
    int count, asked, stop_after; // steps, questions whether to stop
};

static inline void keep_step(const struct step_row *step, void *context)
{
    struct record *record = context;
    CU_ASSERT_FATAL(record->count < STEPS_MAX);
    record->steps[record->count++] = *step;
}

// Asked before the first step, then in each.
static inline bool should_stop(void *context)
{
    struct record *record = context;
    return record->asked++ >= record->stop_after;
}

// States that dreams have kept, a copy each; and which one the next goes on from.
static struct dream_taken {
    struct dream_state state;
    float *rgb; // (3, height, width) of the octave
} taken[STEPS_MAX];
static int taken_count;
static const struct dream_taken *taken_up;

static inline bool always(void *context)
{
    (void)context;
    return true;
}

static inline enum status keep_state(const struct dream_state *state, const struct slab *rows, void *context)
{
    const size_t bytes = slab_count(rows) * sizeof *rows->data;
    struct dream_taken *t = &taken[taken_count++];
    (void)context;
    CU_ASSERT_FATAL(taken_count <= STEPS_MAX);
    CU_ASSERT(rows->width == state->width && rows->height == state->height && state->image == 7);
    *t = (struct dream_taken){.state = *state, .rgb = malloc(bytes)};
    memcpy(t->rgb, rows->data, bytes);
    return STATUS_OK;
}

static inline void forget_states(void)
{
    while (taken_count > 0)
        free(taken[--taken_count].rgb);
}

static float *weights;

static inline void configure(struct config *config)
{
    if (!weights) {
        weights = weights_random(network_inception_v3(), 3);
        atexit(forget_states);
    }
    config_init(config);
    UNIT_OK(config_set(config, "targets=mixed1:1,mixed2:0.5"));
    UNIT_OK(config_set(config, "gradient_above=conv2d_3"));
    config->gradient = GRADIENT_GUIDED;
    config->normalize = NORMALIZE_STD;
    config->total_variation = config->smooth = 0;
    config->step_size = 0.01;
    config->step_decay = 1;
    config->octaves.detail = true;
    config->octaves.count = 2;
    config->octaves.scale = 1.3;
    config->steps = 3;
    config->jitter = 5;
    config->seed = 99;
}

// By a team of one.
static inline enum status dream_in_tiles(const struct config *config, const struct tile_rules *rules, float *rgb, int width, int height,
                                         int stop_after, struct record *record, struct dream_outcome *outcome)
{
    const size_t bytes = naive_count(3, height, width) * sizeof *rgb;
    struct objective objective;
    struct engine *engine = NULL;
    struct team *team = NULL;
    struct timing timing = {0};
    struct slab field = {0}, dreamed = {0};
    enum status rc;
    *record = (struct record){.stop_after = stop_after};
    if (!taken_up)
        forget_states();
    TRY_OUT(objective_init(&objective, config, weights, NETWORK_CLASSES_MAX));
    TRY_OUT(engine_create(&engine, &objective, weights, NULL));
    TRY_OUT(team_create(&team, MPI_COMM_NULL, &(int32_t){0}, 1, &timing));
    TRY_OUT(slab_create(&field, width, height, (struct span){0, height}));
    memcpy(field.data, rgb, bytes);
    if (taken_up) {
        TRY_OUT(slab_create(&dreamed, taken_up->state.width, taken_up->state.height, (struct span){0, taken_up->state.height}));
        memcpy(dreamed.data, taken_up->rgb, slab_count(&dreamed) * sizeof *dreamed.data);
    }
    rc = dream_image(&(struct dream_options){.team = team,
                                             .engine = engine,
                                             .objective = &objective,
                                             .rules = rules,
                                             .image = 7,
                                             .step = keep_step,
                                             .stop = should_stop,
                                             .save = always,
                                             .keep = taken_up ? NULL : keep_state,
                                             .from = taken_up ? &taken_up->state : NULL,
                                             .dreamed = &dreamed,
                                             .context = record},
                     &field, outcome);
    CU_ASSERT_FALSE(outcome->broken); // alone
    if (field.data) {
        CU_ASSERT(field.width == width && field.height == height && field.rows.begin == 0 && field.rows.end == height);
        memcpy(rgb, field.data, bytes);
    }
    CU_ASSERT(rc != STATUS_OK || field.data);
    CU_ASSERT_PTR_NULL(dreamed.data);
out:
    slab_destroy(&dreamed);
    slab_destroy(&field);
    team_destroy(&team);
    engine_destroy(&engine);
    objective_destroy(&objective);
    return rc;
}

static inline enum status dream(const struct config *config, float *rgb, int width, int height, int stop_after, struct record *record,
                                struct dream_outcome *outcome)
{
    struct tile_plan plan;
    enum status rc;
    TRY_OUT(tile_rules_resolve(config, UINT64_MAX, &plan));
    rc = dream_in_tiles(config, &plan.rules, rgb, width, height, stop_after, record, outcome);
out:
    return rc;
}

static inline double clip(double value)
{
    return fmax(-1, fmin(1, value));
}

// Waves and a little noise, which survive resampling as photographs do, cut off at -1 and 1, where the resampler overshoots.
static inline float *picture(int width, int height)
{
    float *rgb = naive_random(naive_count(3, height, width), 11);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                float *value = &rgb[naive_count(c, height, width) + (size_t)y * (size_t)width + (size_t)x];
                *value = (float)clip(0.02 * *value + 1.8 * sin(0.11 * x + c) * cos(0.07 * y - 2 * c));
            }
    return rgb;
}
