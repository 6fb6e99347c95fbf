// SPDX-License-Identifier: MIT
// The ascent against its description, step by step, over an executor of the test's own; and what a stop, a small image and a run
// without steps leave.
#include "worker/ascent/dream.h"

#include "common/picture/geometry.h"
#include "common/picture/resample.h"
#include "common/system/rng.h"
#include "dream_run.h"
#include "naive_attribution.h"
#include "worker/ascent/shaping.h"

// The network and its engine, with one image as one tile.
struct whole {
    struct objective objective;
    struct engine *engine;
};

static void whole_create(struct whole *whole, const struct config *config)
{
    UNIT_OK(objective_init(&whole->objective, config, weights, NETWORK_CLASSES_MAX));
    UNIT_OK(engine_create(&whole->engine, &whole->objective, weights, NULL));
}

static void whole_destroy(struct whole *whole)
{
    engine_destroy(&whole->engine);
    objective_destroy(&whole->objective);
}

static struct objective_view view_of(struct whole *whole, const struct tile *tile, int width, int height)
{
    struct objective_view view = {.tile = tile, .width = width, .height = height};
    objective_values(&whole->objective, width, height, view.values);
    return view;
}

static struct tile whole_tile(int width, int height)
{
    const struct rectangle all = {.width = width, .height = height};
    return (struct tile){all, all, all};
}

static struct executor *forward(struct whole *whole, const float *image, int width, int height, int dy, int dx, double *loss,
                                double target_loss[CONFIG_TARGETS_MAX])
{
    const struct tile tile = whole_tile(width, height);
    const struct objective_view view = view_of(whole, &tile, width, height);
    double sums[CONFIG_TARGETS_MAX];
    struct executor *executor;
    UNIT_OK(engine_executor(whole->engine, width, height, &executor));
    geometry_roll(image, executor_image(executor), 3, width, height, dy, dx);
    UNIT_OK(executor_forward(executor));
    UNIT_OK(objective_sums(&whole->objective, executor, &view, sums));
    *loss = objective_loss(&whole->objective, sums, view.values, target_loss);
    return executor;
}

static double loss_of(struct whole *whole, const float *image, int width, int height)
{
    double loss, target_loss[CONFIG_TARGETS_MAX];
    forward(whole, image, width, height, 0, 0, &loss, target_loss);
    return loss;
}

// All rows of an octave, in the caller's memory.
static struct slab whole_field(float *data, int width, int height)
{
    return (struct slab){.width = width, .height = height, .rows = {0, height}, .data = data};
}

static double naive_total_variation(const float *image, int width, int height)
{
    double sum = 0;
    for (int row = 0; row < 3 * height; row++)
        for (int x = 0; x < width; x++) {
            const float *here = image + (size_t)row * (size_t)width + x;
            sum += x + 1 < width ? fabs(here[1] - here[0]) : 0;
            sum += row % height + 1 < height ? fabs(here[width] - here[0]) : 0;
        }
    return sum / (3.0 * width * height);
}

static double naive_psnr(const float *image, const float *base, int width, int height)
{
    const size_t count = naive_count(3, height, width);
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += ((double)image[i] - (double)base[i]) * ((double)image[i] - (double)base[i]) / (double)count;
    return 10 * log10(4 / squares);
}

static bool close_to(double found, double expected, double limit)
{
    return fabs(found - expected) <= limit * fabs(expected);
}

// After a forward pass, over what the executor holds.
static void check_targets(struct whole *whole, struct executor *executor, const struct target_metrics *found, const double *loss,
                          double limit)
{
    for (int t = 0; t < whole->objective.count; t++) {
        const struct tensor a = executor_target(executor, t);
        float *planar = naive_alloc(naive_count(a.channels, a.height, a.width) * sizeof *planar);
        struct target_metrics expected;
        naive_unblock(a.data, planar, a.channels, (size_t)a.height * (size_t)a.width, a.block);
        naive_metrics(&(struct naive_target){a.channels, a.height, a.width, planar, NULL}, whole->objective.config->metrics.threshold,
                      &expected);
        CU_ASSERT(close_to(found[t].loss, loss[t], limit) && close_to(found[t].score, expected.score, limit));
        CU_ASSERT(close_to(found[t].sparsity, expected.sparsity, limit) && close_to(found[t].hoyer, expected.hoyer, limit));
        CU_ASSERT(close_to(found[t].diversity, expected.diversity, limit));
        CU_ASSERT(close_to(found[t].diversity_seed, expected.diversity_seed, limit));
        free(planar);
    }
}

static void check_picture(struct whole *whole, const struct picture_metrics *found, const float *picture, int width, int height)
{
    double loss, target_loss[CONFIG_TARGETS_MAX];
    struct executor *executor = forward(whole, picture, width, height, 0, 0, &loss, target_loss);
    check_targets(whole, executor, found->targets, target_loss, 1e-9);
    CU_ASSERT(close_to(found->loss, loss, 1e-12));
    CU_ASSERT(close_to(found->total_variation, naive_total_variation(picture, width, height), 1e-6));
}

// The gradient of one step before it is normalised, into `gradient`.
static void naive_gradient(struct whole *whole, float *image, int width, int height, float *gradient, const struct step_row *record)
{
    const struct config *config = whole->objective.config;
    float *scratch = naive_alloc(naive_count(3, height, width) * sizeof *scratch);
    struct slab slopes = whole_field(gradient, width, height), spare = whole_field(scratch, width, height);
    const struct slab values_of_image = whole_field(image, width, height);
    const struct tile tile = whole_tile(width, height);
    struct objective_view view = view_of(whole, &tile, width, height);
    double loss, target_loss[CONFIG_TARGETS_MAX];
    rng_jitter(config->seed, 7, record->octave, record->step, config->jitter, &view.dy, &view.dx);
    struct executor *executor = forward(whole, image, width, height, view.dy, view.dx, &loss, target_loss);
    check_targets(whole, executor, record->targets, target_loss, 1e-4); // the image of the test's own may be other roundings away
    objective_gradient(&whole->objective, executor, &view);
    UNIT_OK(executor_backward(executor, GRADIENT_MODE_GUIDED, network_find(network_inception_v3(), config->gradient_above)));
    geometry_roll(executor_gradient(executor), gradient, 3, width, height, -view.dy, -view.dx);
    CU_ASSERT_DOUBLE_EQUAL(record->loss / loss, 1, 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(record->targets[1].loss / target_loss[1], 1, 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(record->total_variation / naive_total_variation(image, width, height), 1, 1e-5);
    if (config->smooth > 0)
        shaping_smooth(&slopes, &spare, config->smooth);
    if (config->total_variation > 0)
        shaping_add_total_variation(&slopes, &values_of_image, NULL, NULL, config->total_variation);
    free(scratch);
}

// One step as the design describes it, normalised by the standard deviation.
static void naive_step(struct whole *whole, float *image, const float *base, const struct step_row *record)
{
    const int width = record->width, height = record->height, step = record->step;
    const struct config *config = whole->objective.config;
    const size_t count = naive_count(3, height, width);
    float *gradient = naive_alloc(count * sizeof *gradient);
    CU_ASSERT(record->image == 7 && record->frame == -1);
    if (record->octave == 0 && step == 0)
        CU_ASSERT(isinf(record->psnr) && record->psnr > 0)
    else
        CU_ASSERT_DOUBLE_EQUAL(record->psnr, naive_psnr(image, base, width, height), 1e-3);
    naive_gradient(whole, image, width, height, gradient, record);
    double mean = 0, variance = 0, square = 0;
    for (size_t i = 0; i < count; i++) {
        mean += gradient[i] / (double)count;
        square += (double)gradient[i] * gradient[i];
    }
    for (size_t i = 0; i < count; i++)
        variance += (gradient[i] - mean) * (gradient[i] - mean) / (double)count;
    CU_ASSERT_DOUBLE_EQUAL(record->gradient_norm / sqrt(square), 1, 1e-4);
    for (size_t i = 0; i < count; i++)
        image[i] = (float)clip(image[i] + config->step_size * pow(config->step_decay, step) / (sqrt(variance) + 1e-8) * gradient[i]);
    free(gradient);
}

static void check_against_description(const struct config *config, int width, int height)
{
    struct record record;
    struct dream_outcome outcome;
    struct whole whole;
    struct octave sizes[GEOMETRY_OCTAVES_MAX];
    const size_t full = naive_count(3, height, width);
    float *original = picture(width, height), *rgb = picture(width, height);
    float *image = naive_alloc(full * sizeof *image), *base = naive_alloc(full * sizeof *base);
    float *last = naive_alloc(full * sizeof *last), *larger = naive_alloc(full * sizeof *larger);
    UNIT_OK(dream(config, rgb, width, height, STOP_NEVER, &record, &outcome));
    whole_create(&whole, config);
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
        for (int step = 0; step < config->steps; step++) {
            const struct step_row *here = &record.steps[k * config->steps + step];
            CU_ASSERT(here->octave == k && here->step == step);
            CU_ASSERT_FATAL(here->width == sizes[k].width && here->height == sizes[k].height);
            naive_step(&whole, image, base, here);
        }
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
    check_picture(&whole, &outcome.before, original, width, height);
    check_picture(&whole, &outcome.after, rgb, width, height);
    CU_ASSERT(isinf(outcome.before.psnr) && outcome.before.psnr > 0);
    CU_ASSERT_DOUBLE_EQUAL(outcome.after.psnr, naive_psnr(rgb, original, width, height), 1e-9);
    CU_ASSERT(outcome.after.loss > 1.05 * outcome.before.loss); // it is an ascent
    whole_destroy(&whole);
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
    static const char *const settings[] = {"total_variation=1",
                                           "smooth=1",
                                           "gradient=plain",
                                           "gradient=deconv",
                                           "gradient_above=input",
                                           "normalize=mean_abs",
                                           "step_size=0.02",
                                           "step_decay=0.5",
                                           "jitter=6",
                                           "objective=mean",
                                           "octaves.scale=1.2",
                                           "octaves.detail=false",
                                           "network_input=unit",
                                           "guidance.saliency=0.5",
                                           "guidance.cam=0.5",
                                           "guidance.importance=0.5",
                                           "guidance.add_magnitude=0.2",
                                           "guidance.add_saliency=0.2",
                                           "guidance.add_cam=0.2"};
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

// Ends behind the step in which it is asked to; asked before the first, at once.
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
        CU_ASSERT_EQUAL(record.asked, stop_after + 1);
        CU_ASSERT(outcome.stopped);
        CU_ASSERT(isnan(outcome.after.loss) && isnan(outcome.after.psnr) && isnan(outcome.after.targets[0].score) &&
                  outcome.before.loss > 0);
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

// Stopped in the first of two octaves: the dream of that octave alone, enlarged, or what it has added to the original, enlarged.
static void test_stop_below_full_size(void)
{
    const int width = 130, height = 125;
    const size_t count = naive_count(3, height, width);
    struct octave sizes[GEOMETRY_OCTAVES_MAX];
    struct config config;
    struct record record;
    struct dream_outcome outcome;
    configure(&config);
    CU_ASSERT_EQUAL(geometry_octaves(width, height, config.octaves.count, config.octaves.scale, 75, sizes), 2);
    const int small_width = sizes[0].width, small_height = sizes[0].height;
    const size_t small_count = naive_count(3, small_height, small_width);
    float *original = picture(width, height), *larger = naive_alloc(count * sizeof *larger);
    float *base = naive_alloc(small_count * sizeof *base), *small = naive_alloc(small_count * sizeof *small);
    UNIT_OK(resample(original, 3, width, height, base, small_width, small_height));
    for (size_t i = 0; i < small_count; i++)
        base[i] = (float)clip(base[i]);
    for (int stop_after = 1; stop_after <= config.steps; stop_after++)
        for (int detail = 0; detail < 2; detail++) {
            float *rgb = picture(width, height);
            configure(&config);
            config.octaves.detail = detail;
            UNIT_OK(dream(&config, rgb, width, height, stop_after, &record, &outcome));
            CU_ASSERT(outcome.stopped && record.count == stop_after);
            memcpy(small, base, small_count * sizeof *small);
            config.octaves.count = 1;
            UNIT_OK(dream(&config, small, small_width, small_height, stop_after, &record, &outcome));
            for (size_t i = 0; i < small_count && detail; i++)
                small[i] -= base[i];
            UNIT_OK(resample(small, 3, small_width, small_height, larger, width, height));
            for (size_t i = 0; i < count; i++)
                larger[i] = (float)clip(detail ? original[i] + larger[i] : larger[i]);
            CU_ASSERT(memcmp(rgb, larger, count * sizeof *rgb) == 0);
            free(rgb);
        }
    free(small);
    free(base);
    free(larger);
    free(original);
}

// In the last step there is nothing left to leave out.
static void test_stop_too_late(void)
{
    const int width = 101, height = 98;
    struct config config;
    struct record record;
    struct dream_outcome outcome, whole_outcome;
    float *stopped = picture(width, height), *whole = picture(width, height);
    configure(&config);
    UNIT_OK(dream(&config, whole, width, height, STOP_NEVER, &record, &whole_outcome));
    CU_ASSERT_EQUAL(record.count, 2 * config.steps);
    UNIT_OK(dream(&config, stopped, width, height, 2 * config.steps, &record, &outcome));
    CU_ASSERT_EQUAL(record.count, 2 * config.steps);
    CU_ASSERT_FALSE(outcome.stopped);
    CU_ASSERT(memcmp(&outcome.after, &whole_outcome.after, sizeof outcome.after) == 0);
    CU_ASSERT(memcmp(stopped, whole, naive_count(3, height, width) * sizeof *whole) == 0);
    free(whole);
    free(stopped);
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
    CU_ASSERT(outcome.before.loss == outcome.after.loss && isinf(outcome.after.psnr));
    free(rgb);
    free(original);
}

static void test_too_small(void)
{
    struct config config;
    struct objective objective;
    struct record record;
    struct dream_outcome outcome;
    size_t bytes;
    configure(&config);
    UNIT_OK(config_set(&config, "targets=mixed10"));
    float *rgb = picture(74, 200), *before = picture(74, 200);
    CU_ASSERT_EQUAL(dream(&config, rgb, 74, 200, STOP_NEVER, &record, &outcome), STATUS_LIMIT);
    CU_ASSERT(strstr(status_message(), "74 x 200") != NULL);
    CU_ASSERT(memcmp(rgb, before, naive_count(3, 200, 74) * sizeof *rgb) == 0);
    UNIT_OK(objective_find_targets(&objective, &config));
    CU_ASSERT_EQUAL(engine_estimate(&objective, 74, 200, false, &bytes), STATUS_LIMIT);
    free(before);
    free(rgb);
}

static void test_not_finite(void)
{
    struct config config;
    struct record record;
    struct dream_outcome outcome;
    configure(&config);
    config.targets.items[0].weight = 1e300; // more than a float
    config.gradient = GRADIENT_PLAIN;       // guided ones that are no numbers count for 0
    float *rgb = picture(110, 120);
    CU_ASSERT_EQUAL(dream(&config, rgb, 110, 120, STOP_NEVER, &record, &outcome), STATUS_INTERNAL);
    CU_ASSERT_STRING_EQUAL(status_message(), "the gradient of octave 0, step 0 is not finite");
    CU_ASSERT_EQUAL(record.count, 0);
    free(rgb);
}

// More sizes than the engine keeps, in an order that makes it forget and build again.
static void test_many_sizes(void)
{
    enum { SIDES = 20 };
    struct config config;
    struct whole whole;
    double first[SIDES];
    configure(&config);
    whole_create(&whole, &config);
    for (int run = 0; run < 3 * SIDES; run++) {
        const int k = run * 7 % SIDES, width = 75 + 3 * k, height = 140 - 2 * k;
        float *image = picture(width, height);
        const double loss = loss_of(&whole, image, width, height);
        if (run < SIDES)
            first[k] = loss;
        CU_ASSERT(loss == first[k]);
        free(image);
    }
    whole_destroy(&whole);
    free(weights); // the last of the tests
}

static const struct unit_test tests[] = {
    {"the description", test_description},
    {"repeats", test_repeats},
    {"settings matter", test_settings_matter},
    {"stop", test_stop},
    {"stop below full size", test_stop_below_full_size},
    {"stop too late", test_stop_too_late},
    {"no steps", test_no_steps},
    {"too small", test_too_small},
    {"not finite", test_not_finite},
    {"many sizes", test_many_sizes},
};
UNIT_MAIN("dream", tests)
