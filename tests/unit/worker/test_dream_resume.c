// SPDX-License-Identifier: MIT
// A dream that is taken up from any state it has been in ends as the one that was not interrupted, bit by bit.
#include "dream_run.h"

enum { WIDTH = 117, HEIGHT = 98, SAMPLES = 3 * WIDTH * HEIGHT };

static bool same_numbers(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size) == 0; // NaNs too: all are made by the same code
}

// The whole dream, which leaves its states in `taken`.
static float *dream_whole(const struct config *config, int stop_after, struct record *record, struct dream_outcome *outcome)
{
    float *rgb = picture(WIDTH, HEIGHT);
    taken_up = NULL;
    UNIT_OK(dream(config, rgb, WIDTH, HEIGHT, stop_after, record, outcome));
    return rgb;
}

// Goes on from a state; `known`: what the whole dream was like.
static void check_from(const struct config *config, const struct dream_taken *from, const float *known, const struct record *known_record,
                       const struct dream_outcome *known_outcome)
{
    struct record record;
    struct dream_outcome outcome;
    float *rgb = picture(WIDTH, HEIGHT);
    taken_up = from;
    UNIT_OK(dream(config, rgb, WIDTH, HEIGHT, STOP_NEVER, &record, &outcome));
    taken_up = NULL;
    CU_ASSERT(memcmp(rgb, known, SAMPLES * sizeof *rgb) == 0);
    const int done = from->state.octave * config->steps + from->state.step;
    CU_ASSERT_EQUAL(record.count, known_record->count - done);
    for (int i = 0; i < record.count; i++) {
        struct step_row a = record.steps[i], b = known_record->steps[done + i];
        a.seconds = b.seconds = 0;
        CU_ASSERT(same_numbers(&a, &b, sizeof a));
    }
    CU_ASSERT_FALSE(outcome.stopped);
    CU_ASSERT(same_numbers(&outcome.before, &known_outcome->before, sizeof outcome.before));
    CU_ASSERT(same_numbers(&outcome.after, &known_outcome->after, sizeof outcome.after));
    free(rgb);
}

// From each state of a dream, and from that in which it is when it is stopped behind any step.
static void check(const char *const *settings, int setting_count)
{
    struct config config;
    struct record record;
    struct dream_outcome outcome;
    configure(&config);
    for (int i = 0; i < setting_count; i++)
        UNIT_OK(config_set(&config, settings[i]));
    float *known = dream_whole(&config, STOP_NEVER, &record, &outcome);
    const int steps = record.count;
    CU_ASSERT_EQUAL(steps, config.octaves.count * config.steps);
    CU_ASSERT_EQUAL(taken_count, steps);
    struct dream_taken states[STEPS_MAX];
    memcpy(states, taken, sizeof states);
    taken_count = 0; // ours now
    for (int i = 0; i < steps; i++) {
        const int done = states[i].state.octave * config.steps + states[i].state.step;
        CU_ASSERT(done <= i + 1 && done > i + 1 - config.guidance.every);
        check_from(&config, &states[i], known, &record, &outcome);
        free(states[i].rgb);
    }
    for (int stop = 1; stop <= steps; stop++) { // question 0 is before the first step
        struct record part;
        struct dream_outcome early;
        free(dream_whole(&config, stop, &part, &early));
        CU_ASSERT_FATAL(taken_count > 0);
        CU_ASSERT_EQUAL(early.stopped, stop < steps);
        struct dream_taken last = taken[taken_count - 1];
        CU_ASSERT(last.state.octave * config.steps + last.state.step <= stop);
        taken_count--;
        check_from(&config, &last, known, &record, &outcome);
        free(last.rgb);
    }
    free(known);
}

#define CHECK(...) check((const char *[]){__VA_ARGS__}, (int)(sizeof(const char *[]){__VA_ARGS__} / sizeof(const char *)))

static void test_plain(void)
{
    CHECK("jitter=7");
}

static void test_without_detail(void)
{
    CHECK("octaves.detail=false", "steps=2");
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

// A state that is none of this dream.
static void test_refused(void)
{
    struct config config;
    struct record record;
    struct dream_outcome outcome;
    configure(&config);
    free(dream_whole(&config, STOP_NEVER, &record, &outcome));
    const struct dream_taken good = taken[0];
    taken_count = 0;
    struct dream_taken bad[4] = {good, good, good, good};
    bad[0].state.octave = 2;
    bad[1].state.octave = -1;
    bad[2].state.step = 4;
    bad[3].state.step = -1;
    for (int i = 0; i < 4; i++) {
        float *rgb = picture(WIDTH, HEIGHT);
        taken_up = &bad[i];
        CU_ASSERT_EQUAL(dream(&config, rgb, WIDTH, HEIGHT, STOP_NEVER, &record, &outcome), STATUS_USAGE);
        CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "which this one does not have"));
        free(rgb);
    }
    taken_up = NULL;
    free(good.rgb);
    free(weights);
}

static const struct unit_test tests[] = {
    {"plain", test_plain},     {"without detail", test_without_detail}, {"shaped", test_shaped}, {"guided", test_guided},
    {"refused", test_refused},
};
UNIT_MAIN("dream_resume", tests)
