// SPDX-License-Identifier: MIT
// What the tests of the ascent share: a configuration, a picture, and a dream by a team of one.
#pragma once

#include "job_setup.h"
#include "worker/ascent/dream.h"

enum { STEPS_MAX = 64, STOP_NEVER = 1000 };

struct dreamed {
    float *rgb; // (3, height, width), the caller's to free
    enum status status;
    struct image_outcome outcome;
    struct step_row steps[STEPS_MAX];
    int count, asked, stop_after; // steps, questions whether to stop
};

static inline void keep_step(const struct step_row *step, void *context)
{
    struct dreamed *d = context;
    CU_ASSERT_FATAL(d->count < STEPS_MAX);
    d->steps[d->count++] = *step;
}

// Asked before the first step, then in each.
static inline bool should_stop(void *context)
{
    struct dreamed *d = context;
    return d->asked++ >= d->stop_after;
}

// States that dreams have kept, a copy each; and which one the next goes on from.
static struct dream_taken {
    struct dream_state state;
    float *rgb; // (3, height, width) of the octave
} taken[STEPS_MAX];
static int taken_count;
static const struct dream_taken *taken_up;

static const struct mask *masked; // by which the next dreams are; NULL: none

// Black on the left, white on the right, grey between, of a size of its own.
static inline struct mask half_mask(void)
{
    enum { WIDE = 50, HIGH = 31 };
    struct mask mask = {.width = WIDE, .height = HIGH, .values = naive_alloc(WIDE * HIGH * sizeof *mask.values)};
    for (int i = 0; i < WIDE * HIGH; i++) {
        const int x = i % WIDE - i / WIDE / 3;
        mask.values[i] = (uint16_t)(x < 12 ? 0 : x > 30 ? MASK_FULL : MASK_FULL / 2 + 100 * x);
    }
    return mask;
}

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

static inline void configure(struct config *config)
{
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
    config->clip = CLIP_CHANNELS;
    config->gradient_strength = 1;
    config->saturation = SATURATION_NONE;
    config->shape.pyramid = 0;
    config->shape.colour = 0;
}

// On a picture (3, height, width). `rules` NULL: the configuration's own.
static inline struct dreamed dream_on(const struct config *config, const struct tile_rules *rules, const float *original, int width,
                                      int height, int stop_after)
{
    struct dreamed d = {.stop_after = stop_after, .rgb = naive_alloc(naive_count(3, height, width) * sizeof *d.rgb)};
    struct setup s;
    struct slab image, rest = {0};
    set_up_config(&s, config);
    s.rules = rules ? *rules : s.rules;
    s.job.step = keep_step;
    s.job.stop = should_stop;
    s.job.save = always;
    s.job.context = &d;
    s.job.mask = masked;
    s.job.dreamed = &rest;
    if (taken_up) {
        const struct slab from = whole_slab(taken_up->rgb, taken_up->state.width, taken_up->state.height);
        UNIT_OK(slab_copy(&rest, &from));
        s.job.from = &taken_up->state;
    } else {
        forget_states();
        s.job.keep = keep_state;
    }
    memcpy(d.rgb, original, naive_count(3, height, width) * sizeof *d.rgb);
    const struct slab given = whole_slab(d.rgb, width, height);
    UNIT_OK(slab_copy(&image, &given));
    d.status = dream_image(&s.job, &image, &d.outcome);
    CU_ASSERT_FALSE(d.outcome.broken); // alone
    CU_ASSERT_EQUAL(image.data != NULL, d.status == STATUS_OK);
    CU_ASSERT_PTR_NULL(rest.data);
    if (image.data) {
        CU_ASSERT(image.width == width && image.height == height && image.rows.begin == 0 && image.rows.end == height);
        memcpy(d.rgb, image.data, slab_count(&image) * sizeof *d.rgb);
    }
    slab_destroy(&image);
    tear_down(&s);
    return d;
}

// The same on wavy_picture().
static inline struct dreamed dream_in_tiles(const struct config *config, const struct tile_rules *rules, int width, int height,
                                            int stop_after)
{
    float *original = wavy_picture(width, height);
    const struct dreamed d = dream_on(config, rules, original, width, height, stop_after);
    free(original);
    return d;
}

static inline struct dreamed dream(const struct config *config, int width, int height)
{
    const struct dreamed d = dream_in_tiles(config, NULL, width, height, STOP_NEVER);
    UNIT_OK(d.status);
    return d;
}

static inline bool same_picture(const float *a, const float *b, int width, int height)
{
    return memcmp(a, b, naive_count(3, height, width) * sizeof *a) == 0;
}
