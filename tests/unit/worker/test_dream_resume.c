// SPDX-License-Identifier: MIT
// A dream that is taken up from any state it has been in ends as the one that was not interrupted, bit by bit.
#include "dream_run.h"

enum { WIDTH = 117, HEIGHT = 98 };

static bool same_numbers(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size) == 0; // NaNs too: all are made by the same code
}

// Goes on from a state; `known`: what the whole dream was like.
static void check_from(const struct config *config, const struct dream_taken *from, const struct dreamed *known)
{
    taken_up = from;
    const struct dreamed d = dream(config, WIDTH, HEIGHT);
    taken_up = NULL;
    CU_ASSERT(same_picture(d.rgb, known->rgb, WIDTH, HEIGHT));
    const int done = from->state.octave * config->steps + from->state.step;
    CU_ASSERT_EQUAL(d.count, known->count - done);
    for (int i = 0; i < d.count; i++) {
        struct step_row a = d.steps[i], b = known->steps[done + i];
        a.seconds = b.seconds = 0;
        CU_ASSERT(same_numbers(&a, &b, sizeof a));
    }
    CU_ASSERT_FALSE(d.outcome.stopped);
    CU_ASSERT(same_numbers(&d.outcome.before, &known->outcome.before, sizeof d.outcome.before));
    CU_ASSERT(same_numbers(&d.outcome.after, &known->outcome.after, sizeof d.outcome.after));
    free(d.rgb);
}

// From each state of a dream, and from that in which it is when it is stopped behind any step.
static void check(const char *const *settings, int setting_count)
{
    struct config config;
    configure(&config);
    for (int i = 0; i < setting_count; i++)
        UNIT_OK(config_set(&config, settings[i]));
    const struct dreamed known = dream(&config, WIDTH, HEIGHT);
    CU_ASSERT_EQUAL(known.count, config.octaves.count * config.steps);
    CU_ASSERT_EQUAL(taken_count, known.count);
    struct dream_taken states[STEPS_MAX];
    memcpy(states, taken, sizeof states);
    taken_count = 0; // ours now
    for (int i = 0; i < known.count; i++) {
        const int done = states[i].state.octave * config.steps + states[i].state.step;
        CU_ASSERT(done <= i + 1 && done > i + 1 - config.guidance.every);
        if (!unit_skips((size_t)i))
            check_from(&config, &states[i], &known);
        free(states[i].rgb);
    }
    for (int stop = 1; stop <= known.count; stop++) { // question 0 is before the first step
        if (unit_skips((size_t)stop))
            continue;
        const struct dreamed early = dream_in_tiles(&config, NULL, WIDTH, HEIGHT, stop);
        UNIT_OK(early.status);
        CU_ASSERT_FATAL(taken_count > 0);
        CU_ASSERT_EQUAL(early.outcome.stopped, stop < known.count);
        const struct dream_taken *last = &taken[taken_count - 1];
        CU_ASSERT(last->state.octave * config.steps + last->state.step <= stop);
        check_from(&config, last, &known);
        free(early.rgb);
    }
    free(known.rgb);
    forget_states();
}

#define CHECK(...) check((const char *[]){__VA_ARGS__}, (int)(sizeof(const char *[]){__VA_ARGS__} / sizeof(const char *)))

static void test_plain(void)
{
    CHECK("jitter=7");
}

static void test_without_detail(void)
{
    CHECK("octaves.detail=false", "steps=2");
    CHECK("targets=mixed1%0..0.5,mixed2#3+30+31-32%0.5..1", "steps=2");
}

static void test_shaped(void)
{
    CHECK("smooth=1", "total_variation=0.1", "step_decay=0.9", "normalize=l2", "step_size=3");
}

static void test_guided(void)
{
    CHECK("guidance.saliency=0.9", "guidance.cam=0.3");
    CHECK("guidance.saliency=0.9", "guidance.every=2");
    CHECK("guidance.importance=0.5", "guidance.every=3", "steps=4", "octaves.count=1");
}

static void test_masked(void)
{
    struct mask mask = half_mask();
    masked = &mask;
    CHECK("jitter=7");
    CHECK("octaves.detail=false", "steps=2");
    masked = NULL;
    mask_destroy(&mask);
}

// A state that is none of this dream.
static void test_refused(void)
{
    struct config config;
    configure(&config);
    free(dream(&config, WIDTH, HEIGHT).rgb);
    struct dream_taken bad[4] = {taken[0], taken[0], taken[0], taken[0]};
    bad[0].state.octave = 2;
    bad[1].state.octave = -1;
    bad[2].state.step = 4;
    bad[3].state.step = -1;
    for (int i = 0; i < 4; i++) {
        taken_up = &bad[i];
        const struct dreamed d = dream_in_tiles(&config, NULL, WIDTH, HEIGHT, STOP_NEVER);
        CU_ASSERT_EQUAL(d.status, STATUS_USAGE);
        CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "which this one does not have"));
        free(d.rgb);
    }
    taken_up = NULL;
    forget_states();
}

static const struct unit_test tests[] = {
    {"plain", test_plain},   {"without detail", test_without_detail},
    {"shaped", test_shaped}, {"guided", test_guided},
    {"masked", test_masked}, {"refused", test_refused},
};
UNIT_MAIN("dream_resume", tests)
