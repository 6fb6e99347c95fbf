// SPDX-License-Identifier: MIT
// Expected gradients where their formulas have a closed form, whole and in tiles; baselines; and what a stop leaves.
#include "worker/look/expected_gradients.h"

#include "job_setup.h"
#include "worker/team/slab_blur.h"

enum { WIDTH = 150, HEIGHT = 131, BASELINES = 3, CHANNELS = 256 }; // of mixed0

static const struct tile_rules ONE_TILE = {.size = 65536, .halo = 64, .blend = 8, .stride = 8};
static const struct tile_rules SMALL_TILES = {.size = 112, .halo = 40, .blend = 8, .stride = 8};

// A picture, its baselines, black, blurred and another picture, and a job by a team of one that looks at them.
struct look {
    struct setup setup;
    struct slab picture, other;
    struct baselines baselines;
    struct sweep *sweep;
    struct expected_gradients expected;
    double passes;
    int asked, stop_after;
};

static void count_passes(void *context, double passes)
{
    struct look *l = context;
    l->passes += passes;
}

static bool should_stop(void *context)
{
    struct look *l = context;
    return l->asked++ >= l->stop_after;
}

static void look_create(struct look *l, const char *targets, enum config_objective objective, const struct tile_rules *rules, int samples)
{
    *l = (struct look){.stop_after = 1000};
    set_up(&l->setup, targets, objective);
    UNIT_OK(config_set(&l->setup.config, "importance.baselines=black,blurred,images"));
    l->setup.config.importance.samples = samples;
    l->setup.rules = *rules;
    l->setup.job.context = l;
    l->setup.job.stop = should_stop;
    l->setup.job.others = &l->other;
    l->setup.job.other_count = 1;
    float *waves = wavy_picture(WIDTH, HEIGHT);
    const struct slab whole = whole_slab(waves, WIDTH, HEIGHT);
    UNIT_OK(slab_copy(&l->picture, &whole));
    l->other = random_slab(WIDTH, HEIGHT, 6);
    free(waves);
    UNIT_OK(baselines_make(&l->baselines, &l->setup.job, &l->picture));
    UNIT_OK(sweep_create(&l->sweep, &l->setup.job, WIDTH, HEIGHT, 0));
    l->expected = (struct expected_gradients){
        .job = &l->setup.job, .sweep = l->sweep, .picture = &l->picture, .baselines = &l->baselines, .passed = count_passes, .context = l};
    CU_ASSERT_TRUE(expected_gradients_are_on(&l->expected));
}

static void look_destroy(struct look *l)
{
    sweep_destroy(&l->sweep);
    baselines_destroy(&l->baselines);
    slab_destroy(&l->picture);
    tear_down(&l->setup);
}

static void test_baselines(void)
{
    static const int kinds[BASELINES] = {BASELINE_BLACK, BASELINE_BLURRED, BASELINE_IMAGE};
    struct look l;
    look_create(&l, "mixed0", OBJECTIVE_MEAN, &ONE_TILE, 1);
    struct slab blurred, scratch, other = random_slab(WIDTH, HEIGHT, 6);
    UNIT_OK(slab_copy(&blurred, &l.picture));
    UNIT_OK(slab_copy(&scratch, &l.picture));
    slab_blur(&blurred, &scratch, l.baselines.blur_sigma);
    CU_ASSERT_DOUBLE_EQUAL(l.baselines.blur_sigma, 0.05 * HEIGHT, 1e-12);
    CU_ASSERT_EQUAL_FATAL(l.baselines.count, BASELINES);
    CU_ASSERT_EQUAL(memcmp(l.baselines.kinds, kinds, sizeof kinds), 0);
    slab_fill(&scratch, -1);
    CU_ASSERT(same_rows(&l.baselines.slabs[0], &scratch, scratch.rows));
    CU_ASSERT(same_rows(&l.baselines.slabs[1], &blurred, blurred.rows));
    CU_ASSERT(same_rows(&l.baselines.slabs[2], &other, other.rows));
    CU_ASSERT_PTR_NULL(l.other.data); // taken over
    slab_destroy(&other);
    slab_destroy(&scratch);
    slab_destroy(&blurred);
    look_destroy(&l);
}

// values[channel]: its sum over the positions of the whole, of A or of A^2.
static void sum_channels(struct look *l, const struct slab *slab, bool square, double values[CHANNELS])
{
    const struct rectangle whole = {.width = WIDTH, .height = HEIGHT};
    struct executor *executor = forward(&l->setup, slab->data, WIDTH, HEIGHT, &whole);
    const struct tensor a = executor_target(executor, 0);
    const size_t positions = (size_t)a.width * (size_t)a.height;
    float *planar = planar_target(executor, 0);
    for (size_t c = 0; c < CHANNELS; c++) {
        values[c] = 0;
        for (size_t p = 0; p < positions; p++)
            values[c] +=
                (double)planar[c * positions + p] * (square ? (double)planar[c * positions + p] : 1) / (double)(positions * CHANNELS);
    }
    free(planar);
}

// The loss of one target is a mean of A or A^2: the mean over evenly spread alphas is exact, each channel counts for its own difference.
static void check_closed_form(enum config_objective objective, const struct tile_rules *rules, int samples)
{
    struct look l;
    double picture[CHANNELS], baseline[CHANNELS], expected[CHANNELS] = {0}, value = 0, mean = 0;
    float importance[CHANNELS];
    struct expectation expectation;
    look_create(&l, "mixed0:2", objective, rules, samples);
    sum_channels(&l, &l.picture, objective == OBJECTIVE_MEAN_SQUARE, picture);
    for (int b = 0; b < BASELINES; b++) {
        sum_channels(&l, &l.baselines.slabs[b], objective == OBJECTIVE_MEAN_SQUARE, baseline);
        for (int c = 0; c < CHANNELS; c++) {
            expected[c] += 2 * (picture[c] - baseline[c]) / BASELINES;
            mean += 2 * baseline[c] / BASELINES;
        }
    }
    for (int c = 0; c < CHANNELS; c++)
        value += 2 * picture[c];
    UNIT_OK(expected_gradients_importance(&l.expected, (float *const[CONFIG_TARGETS_MAX]){importance}, &expectation));
    CU_ASSERT(naive_error(importance, expected, CHANNELS) < 1e-5);
    CU_ASSERT(close_to(expectation.value, value, 1e-6) && close_to(expectation.expected, mean, 1e-6) && expectation.residual < 1e-5);
    const int each = samples / BASELINES > 1 ? samples / BASELINES : 1;
    CU_ASSERT_EQUAL(l.asked, each * BASELINES * tiling_count(sweep_tiling(l.sweep)));
    CU_ASSERT(close_to(l.passes, expected_gradients_importance_passes(&l.setup.objective) * each * BASELINES, 1e-9));
    look_destroy(&l);
}

static void test_channels(void)
{
    check_closed_form(OBJECTIVE_MEAN, &ONE_TILE, 1);
    check_closed_form(OBJECTIVE_MEAN_SQUARE, &ONE_TILE, 6);
    check_closed_form(OBJECTIVE_MEAN_SQUARE, &(struct tile_rules){.size = 144, .halo = 64, .blend = 0, .stride = 8}, 1); // exact
}

// What channels of an early target, those of a later one and pixels count for adds up to the loss that depends on them, but for the mean
// over alphas; targets that nobody asks for are left alone.
static void test_completeness(void)
{
    struct look l;
    float early[CHANNELS], late[288];
    struct expectation channels[CONFIG_TARGETS_MAX], pixels;
    look_create(&l, "mixed0:1,conv2d_5:3,mixed1:2", OBJECTIVE_MEAN_SQUARE, &SMALL_TILES, unit_cases(30, 12));
    CU_ASSERT(tiling_count(sweep_tiling(l.sweep)) > 1);
    channels[1] = (struct expectation){-7, -7, -7};
    UNIT_OK(expected_gradients_importance(&l.expected, (float *const[CONFIG_TARGETS_MAX]){early, NULL, late}, channels));
    CU_ASSERT_EQUAL(channels[1].value, -7);
    CU_ASSERT(channels[0].residual < 0.02 && channels[2].residual < 1e-4); // the last target's loss is quadratic
    CU_ASSERT(channels[0].value > channels[2].value && channels[2].value > 0);
    struct slab gradient, scratch, mixed, phi;
    UNIT_OK(slab_copy(&gradient, &l.picture));
    UNIT_OK(slab_copy(&scratch, &l.picture));
    UNIT_OK(slab_copy(&mixed, &l.picture));
    UNIT_OK(slab_copy(&phi, &l.picture));
    UNIT_OK(expected_gradients_pixels(&l.expected, &gradient, &scratch, &mixed, &phi, &pixels));
    double sum = 0;
    for (size_t i = 0; i < slab_count(&phi); i++)
        sum += (double)phi.data[i];
    CU_ASSERT(fabs(fabs(sum - (pixels.value - pixels.expected)) / fabs(pixels.value - pixels.expected) - pixels.residual) < 1e-6);
    CU_ASSERT(pixels.residual < 0.1);
    slab_destroy(&phi);
    slab_destroy(&mixed);
    slab_destroy(&scratch);
    slab_destroy(&gradient);
    look_destroy(&l);
}

// Asked in each sample; after that one nothing more is done, and what is there is left as it was.
static void test_stop(void)
{
    struct look l;
    float importance[CHANNELS] = {-7};
    struct expectation expectation = {.value = -7};
    look_create(&l, "mixed0", OBJECTIVE_MEAN, &ONE_TILE, 6);
    l.stop_after = 2;
    UNIT_OK(expected_gradients_importance(&l.expected, (float *const[CONFIG_TARGETS_MAX]){importance}, &expectation));
    CU_ASSERT_TRUE(l.setup.job.stopping);
    CU_ASSERT_EQUAL(l.asked, 3);
    CU_ASSERT(importance[0] == -7 && expectation.value == -7);
    look_destroy(&l);
}

static const struct unit_test tests[] = {
    {"baselines", test_baselines},
    {"channels, in closed form", test_channels},
    {"sums", test_completeness},
    {"a stop", test_stop},
};
UNIT_MAIN("expected_gradients", tests)
