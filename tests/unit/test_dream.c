// SPDX-License-Identifier: MIT
// The ascent against its description, step by step, over an executor of the test's own; and what a stop, a small image and a run
// without steps leave. Random weights: nothing here depends on what the network has learned.
#include "worker/dream.h"

#include "common/geometry.h"
#include "common/resample.h"
#include "common/rng.h"
#include "weights_given.h"
#include "worker/objective.h"
#include "worker/shaping.h"

enum { STEPS_MAX = 64, STOP_NEVER = 1000 };

struct record {
    struct step_record steps[STEPS_MAX];
    int count, stop_after; // steps
};

static void keep_step(const struct step_record *step, void *context)
{
    struct record *record = context;
    CU_ASSERT_FATAL(record->count < STEPS_MAX);
    record->steps[record->count++] = *step;
}

static bool should_stop(void *context)
{
    const struct record *record = context;
    return record->count >= record->stop_after;
}

static float *weights;

static void configure(struct config *config)
{
    if (!weights)
        weights = weights_random(network_inception_v3(), 3);
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

static enum status dream(const struct config *config, float *rgb, int width, int height, int stop_after, struct record *record,
                         struct dream_outcome *outcome)
{
    struct engine *engine = NULL;
    const struct dream_hooks hooks = {.step = keep_step, .stop = should_stop, .context = record};
    enum status rc;
    *record = (struct record){.stop_after = stop_after};
    TRY(engine_create(&engine, config, weights));
    rc = dream_image(engine, config, 7, rgb, width, height, &hooks, outcome);
out:
    engine_destroy(&engine);
    return rc;
}

static double clip(double value)
{
    return fmax(-1, fmin(1, value));
}

// Waves and a little noise, which survive resampling as photographs do, cut off at -1 and 1, where the resampler overshoots.
static float *picture(int width, int height)
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

static double loss_of(struct engine *engine, const struct config *config, const float *image, int width, int height)
{
    struct executor *executor;
    double target_loss[CONFIG_TARGETS_MAX];
    UNIT_OK(engine_executor(engine, width, height, &executor));
    memcpy(executor_image(executor), image, naive_count(3, height, width) * sizeof *image);
    UNIT_OK(executor_forward(executor));
    return objective_loss(config, executor, target_loss);
}

// One step as the design describes it, normalised by the standard deviation.
static void naive_step(struct engine *engine, const struct config *config, float *image, int width, int height, int octave, int step,
                       const struct step_record *record)
{
    const size_t count = naive_count(3, height, width);
    struct executor *executor;
    int dy, dx;
    float *gradient = naive_alloc(count * sizeof *gradient), *scratch = naive_alloc(count * sizeof *scratch);
    rng_jitter(config->seed, 7, octave, step, config->jitter, &dy, &dx);
    UNIT_OK(engine_executor(engine, width, height, &executor));
    geometry_roll(image, executor_image(executor), 3, width, height, dy, dx);
    UNIT_OK(executor_forward(executor));
    double target_loss[CONFIG_TARGETS_MAX], mean = 0, variance = 0;
    const double loss = objective_loss(config, executor, target_loss);
    objective_gradient(config, executor);
    UNIT_OK(executor_backward(executor, GRADIENT_MODE_GUIDED, network_find(network_inception_v3(), config->gradient_above)));
    geometry_roll(executor_gradient(executor), gradient, 3, width, height, -dy, -dx);
    CU_ASSERT(record->image == 7 && record->octave == octave && record->step == step);
    CU_ASSERT(record->width == width && record->height == height);
    CU_ASSERT_DOUBLE_EQUAL(record->loss / loss, 1, 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(record->target_loss[1] / target_loss[1], 1, 1e-5);
    if (config->total_variation > 0)
        shaping_add_total_variation(gradient, image, width, height, config->total_variation);
    if (config->smooth > 0)
        shaping_smooth(gradient, scratch, width, height, config->smooth);
    double square = 0;
    for (size_t i = 0; i < count; i++) {
        mean += gradient[i] / (double)count;
        square += (double)gradient[i] * gradient[i];
    }
    for (size_t i = 0; i < count; i++)
        variance += (gradient[i] - mean) * (gradient[i] - mean) / (double)count;
    CU_ASSERT_DOUBLE_EQUAL(record->gradient_norm / sqrt(square), 1, 1e-4);
    for (size_t i = 0; i < count; i++)
        image[i] = (float)clip(image[i] + config->step_size * pow(config->step_decay, step) / (sqrt(variance) + 1e-8) * gradient[i]);
    free(scratch);
    free(gradient);
}

static void check_against_description(const struct config *config, int width, int height)
{
    struct record record;
    struct dream_outcome outcome;
    struct engine *engine;
    struct octave sizes[GEOMETRY_OCTAVES_MAX];
    const size_t full = naive_count(3, height, width);
    float *original = picture(width, height), *rgb = picture(width, height);
    float *image = naive_alloc(full * sizeof *image), *base = naive_alloc(full * sizeof *base);
    float *last = naive_alloc(full * sizeof *last), *larger = naive_alloc(full * sizeof *larger);
    UNIT_OK(dream(config, rgb, width, height, STOP_NEVER, &record, &outcome));
    UNIT_OK(engine_create(&engine, config, weights));
    const int octaves = geometry_octaves(width, height, config->octaves.count, config->octaves.scale, 75, sizes);
    CU_ASSERT_EQUAL(record.count, octaves * config->steps);
    for (int k = 0; k < octaves; k++) {
        const size_t count = naive_count(3, sizes[k].height, sizes[k].width);
        UNIT_OK(resample(original, 3, width, height, base, sizes[k].width, sizes[k].height));
        if (k > 0)
            UNIT_OK(resample(last, 3, sizes[k - 1].width, sizes[k - 1].height, larger, sizes[k].width, sizes[k].height));
        for (size_t i = 0; i < count; i++) {
            base[i] = (float)clip(base[i]);
            image[i] = k == 0 ? base[i] : (float)clip(config->octaves.detail ? base[i] + larger[i] : larger[i]);
        }
        for (int step = 0; step < config->steps; step++)
            naive_step(engine, config, image, sizes[k].width, sizes[k].height, k, step, &record.steps[k * config->steps + step]);
        for (size_t i = 0; i < count; i++)
            last[i] = config->octaves.detail ? image[i] - base[i] : image[i];
    }
    double *expected = calloc(full, sizeof *expected);
    for (size_t i = 0; i < full; i++)
        expected[i] = image[i];
    CU_ASSERT(naive_error(rgb, expected, full) < 1e-4); // same executor, other roundings of the update
    CU_ASSERT(memcmp(rgb, original, full * sizeof *rgb) != 0);
    CU_ASSERT_FALSE(outcome.stopped);
    CU_ASSERT(outcome.seconds > 0);
    CU_ASSERT_DOUBLE_EQUAL(outcome.loss_before / loss_of(engine, config, original, width, height), 1, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(outcome.loss_after / loss_of(engine, config, rgb, width, height), 1, 1e-12);
    CU_ASSERT(outcome.loss_after > 1.05 * outcome.loss_before); // it is an ascent
    engine_destroy(&engine);
    free(expected);
    free(larger);
    free(last);
    free(base);
    free(image);
    free(rgb);
    free(original);
}

static void test_description(void)
{
    struct config config;
    configure(&config);
    check_against_description(&config, 139, 117);
    config.octaves.detail = false;
    config.step_decay = 0.7;
    config.jitter = 0;
    check_against_description(&config, 102, 103);
    UNIT_OK(config_set(&config, "gradient_above=input"));
    config.octaves.count = 4; // those below 75 pixels are left out
    config.jitter = 200;      // more than a side
    config.octaves.detail = true;
    config.total_variation = 0.1;
    config.smooth = 0.8;
    check_against_description(&config, 120, 99);
}

static void test_repeats(void)
{
    const int width = 111, height = 98;
    const size_t bytes = naive_count(3, height, width) * sizeof(float);
    struct config config;
    struct record record;
    struct dream_outcome outcome;
    configure(&config);
    float *first = picture(width, height), *again = picture(width, height), *other = picture(width, height);
    UNIT_OK(dream(&config, first, width, height, STOP_NEVER, &record, &outcome));
    UNIT_OK(dream(&config, again, width, height, STOP_NEVER, &record, &outcome));
    config.seed++;
    UNIT_OK(dream(&config, other, width, height, STOP_NEVER, &record, &outcome));
    CU_ASSERT(memcmp(first, again, bytes) == 0);
    CU_ASSERT(memcmp(first, other, bytes) != 0);
    free(other);
    free(again);
    free(first);
}

// What total variation, smoothing and the rule of the gradient do is tested elsewhere; here, that each setting reaches the picture.
static void test_settings_matter(void)
{
    static const char *const settings[] = {
        "total_variation=1", "smooth=1",       "gradient=plain", "gradient=deconv", "gradient_above=input", "normalize=mean_abs",
        "step_size=0.02",    "step_decay=0.5", "jitter=6",       "objective=mean",  "octaves.scale=1.2",    "octaves.detail=false"};
    const int width = 104, height = 101;
    const size_t bytes = naive_count(3, height, width) * sizeof(float);
    struct config config;
    struct record record;
    struct dream_outcome outcome;
    float *first = picture(width, height);
    configure(&config);
    UNIT_OK(dream(&config, first, width, height, STOP_NEVER, &record, &outcome));
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        float *other = picture(width, height);
        configure(&config);
        UNIT_OK(config_set(&config, settings[i]));
        UNIT_OK(dream(&config, other, width, height, STOP_NEVER, &record, &outcome));
        CU_ASSERT(memcmp(first, other, bytes) != 0);
        free(other);
    }
    free(first);
}

static void test_stop(void)
{
    const int width = 130, height = 125;
    const size_t count = naive_count(3, height, width);
    struct config config;
    struct dream_outcome outcome;
    configure(&config);
    for (int stop_after = 0; stop_after <= 5; stop_after++) {
        struct record record;
        float *original = picture(width, height), *rgb = picture(width, height);
        config.octaves.detail = stop_after % 2;
        UNIT_OK(dream(&config, rgb, width, height, stop_after, &record, &outcome));
        CU_ASSERT_EQUAL(record.count, stop_after);
        CU_ASSERT(outcome.stopped);
        CU_ASSERT(isnan(outcome.loss_after) && outcome.loss_before > 0);
        double difference = 0;
        size_t outside = 0;
        for (size_t i = 0; i < count; i++) {
            outside += !(rgb[i] >= -1 && rgb[i] <= 1);
            difference = fmax(difference, fabs(rgb[i] - original[i]));
        }
        // the original and what was dreamed so far: at most some steps of a few standard deviations, never another picture
        CU_ASSERT(stop_after == 0 ? difference == 0 : difference > 0.5 * config.step_size);
        CU_ASSERT_EQUAL(outside, 0);
        CU_ASSERT(difference <= 12 * config.step_size * stop_after);
        free(rgb);
        free(original);
    }
}

static void test_no_steps(void)
{
    const int width = 110, height = 100;
    const size_t count = naive_count(3, height, width);
    struct config config;
    struct record record;
    struct dream_outcome outcome;
    configure(&config);
    config.steps = 0;
    float *original = picture(width, height), *rgb = picture(width, height);
    UNIT_OK(dream(&config, rgb, width, height, STOP_NEVER, &record, &outcome));
    CU_ASSERT(memcmp(rgb, original, count * sizeof *rgb) == 0);
    CU_ASSERT(outcome.loss_before == outcome.loss_after);
    free(rgb);
    free(original);
}

static void test_too_small(void)
{
    struct config config;
    struct record record;
    struct dream_outcome outcome;
    size_t bytes;
    configure(&config);
    UNIT_OK(config_set(&config, "targets=mixed10"));
    float *rgb = picture(74, 200), *before = picture(74, 200);
    CU_ASSERT_EQUAL(dream(&config, rgb, 74, 200, STOP_NEVER, &record, &outcome), STATUS_LIMIT);
    CU_ASSERT(strstr(status_message(), "74 x 200") != NULL);
    CU_ASSERT(memcmp(rgb, before, naive_count(3, 200, 74) * sizeof *rgb) == 0);
    CU_ASSERT_EQUAL(engine_estimate(&config, 74, 200, &bytes), STATUS_LIMIT);
    free(before);
    free(rgb);
}

static void test_unknown_layer(void)
{
    struct config config;
    struct engine *engine;
    configure(&config);
    UNIT_OK(config_set(&config, "targets=mixed3,mixed42"));
    CU_ASSERT_EQUAL(engine_create(&engine, &config, weights), STATUS_USAGE);
    CU_ASSERT_PTR_NULL(engine);
    CU_ASSERT(strstr(status_message(), "mixed42") != NULL);
}

// More sizes than the engine keeps, in an order that makes it forget and build again.
static void test_many_sizes(void)
{
    enum { SIDES = 20 };
    struct config config;
    struct engine *engine;
    double first[SIDES];
    configure(&config);
    UNIT_OK(engine_create(&engine, &config, weights));
    for (int run = 0; run < 3 * SIDES; run++) {
        const int k = run * 7 % SIDES, width = 75 + 3 * k, height = 140 - 2 * k;
        float *image = picture(width, height);
        const double loss = loss_of(engine, &config, image, width, height);
        if (run < SIDES)
            first[k] = loss;
        CU_ASSERT(loss == first[k]);
        free(image);
    }
    engine_destroy(&engine);
    free(weights); // the last of the tests
}

static const struct unit_test tests[] = {
    {"the description", test_description},
    {"repeats", test_repeats},
    {"settings matter", test_settings_matter},
    {"stop", test_stop},
    {"no steps", test_no_steps},
    {"too small", test_too_small},
    {"unknown layer", test_unknown_layer},
    {"many sizes", test_many_sizes},
};
UNIT_MAIN("dream", tests)
