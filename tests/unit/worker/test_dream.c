// SPDX-License-Identifier: MIT
// The ascent against its description, step by step, over an executor of the test's own; and what a stop, a small image and a run
// without steps leave.
#include "worker/ascent/dream.h"

#include "common/config/config_schema.h"
#include "common/picture/geometry.h"
#include "common/picture/resample.h"
#include "common/system/rng.h"
#include "dream_run.h"
#include "naive_attribution.h"
#include "worker/ascent/shaping.h"
#include "worker/team/slab_blur.h"
#include "worker/team/slab_pyramid.h"
#include "worker/team/slab_sums.h"

// Rolled, as one tile.
static struct executor *forward_rolled(struct setup *s, const float *image, int width, int height, int dy, int dx, double *loss,
                                       double target_loss[CONFIG_TARGETS_MAX])
{
    const struct tile tile = whole_tile(width, height);
    const struct objective_view view = objective_view_of(s, &tile, width, height);
    double sums[CONFIG_TARGETS_MAX];
    float *rolled = naive_alloc(naive_count(3, height, width) * sizeof *rolled);
    naive_roll(image, rolled, 3, width, height, dy, dx);
    struct executor *executor = forward(s, rolled, width, height, &tile.window);
    UNIT_OK(objective_sums(&s->objective, executor, &view, sums));
    *loss = objective_loss(&s->objective, sums, view.values, target_loss);
    free(rolled);
    return executor;
}

// A sample's.
static double variation_of(float *image, int width, int height)
{
    const struct slab slab = whole_slab(image, width, height);
    return naive_total_variation(&slab, slab.rows) / (double)slab_count(&slab);
}

static double naive_psnr(const float *image, const float *base, int width, int height)
{
    const size_t count = naive_count(3, height, width);
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += ((double)image[i] - (double)base[i]) * ((double)image[i] - (double)base[i]) / (double)count;
    return 10 * log10(4 / squares);
}

// After a forward pass, over what the executor holds.
static void check_targets(struct setup *s, struct executor *executor, const struct target_metrics *found, const double *loss, double limit)
{
    for (int t = 0; t < s->objective.count; t++) {
        const struct tensor a = executor_target(executor, t);
        float *planar = planar_target(executor, t);
        struct target_metrics expected;
        naive_metrics(&(struct naive_target){a.channels, a.height, a.width, planar, NULL}, s->config.metrics.threshold, &expected);
        CU_ASSERT(close_to(found[t].loss, loss[t], limit) && close_to(found[t].score, expected.score, limit));
        CU_ASSERT(close_to(found[t].sparsity, expected.sparsity, limit) && close_to(found[t].hoyer, expected.hoyer, limit));
        CU_ASSERT(close_to(found[t].diversity, expected.diversity, limit));
        CU_ASSERT(close_to(found[t].diversity_seed, expected.diversity_seed, limit));
        free(planar);
    }
}

static void check_picture(struct setup *s, const struct picture_metrics *found, float *rgb, int width, int height)
{
    double loss, target_loss[CONFIG_TARGETS_MAX];
    struct executor *executor = forward_rolled(s, rgb, width, height, 0, 0, &loss, target_loss);
    check_targets(s, executor, found->targets, target_loss, 1e-9);
    CU_ASSERT(close_to(found->loss, loss, 1e-12));
    CU_ASSERT(close_to(found->total_variation, variation_of(rgb, width, height), 1e-6));
}

// Its bands of spatial frequency at the strengths that they shall have.
static void equalise(const struct config *config, struct slab *gradient)
{
    enum { BANDS_OF_ROWS = 16 };
    double sums[BANDS_OF_ROWS][SLAB_PYRAMID_MAX] = {{0}}, squares[SLAB_PYRAMID_MAX] = {0};
    float scales[SLAB_PYRAMID_MAX];
    struct slab_pyramid *pyramid;
    UNIT_OK(slab_pyramid_create(&pyramid, gradient->width, gradient->height, gradient->rows, config->shape.pyramid));
    CU_ASSERT_FATAL(slab_bands(gradient->rows) <= BANDS_OF_ROWS);
    slab_pyramid_split(pyramid, gradient, gradient->rows, sums[0], SLAB_PYRAMID_MAX);
    for (int l = 0; l < config->shape.pyramid; l++)
        for (int band = 0; band < BANDS_OF_ROWS; band++)
            squares[l] += sums[band][l] / slab_pyramid_count(pyramid, l);
    shaping_band_scales(squares, config->shape.pyramid, config->shape.coarse, scales);
    slab_pyramid_join(pyramid, scales);
    slab_pyramid_destroy(&pyramid);
}

// Targets whose octaves do not have this one have no weight; ends belong to them. octaves 1: all have theirs.
static void set_target_weights(struct setup *s, int octave, int octaves)
{
    for (int t = 0; t < s->objective.count; t++) {
        const struct config_target *target = &s->config.targets.items[t];
        const double at = octave / (octaves - 1.0);
        const bool counts = octaves == 1 || !target->octave_count || (target->octaves[0] <= at && at <= target->octaves[1]);
        s->objective.target_weights[t] = counts ? target->weight : 0;
    }
}

// The gradient of one step before it is normalised, into `gradient`.
static void naive_gradient(struct setup *s, float *image, int width, int height, float *gradient, const struct step_row *record)
{
    const struct config *config = &s->config;
    float *scratch = naive_alloc(naive_count(3, height, width) * sizeof *scratch);
    struct slab slopes = whole_slab(gradient, width, height), spare = whole_slab(scratch, width, height);
    const struct slab values = whole_slab(image, width, height);
    const struct tile tile = whole_tile(width, height);
    struct objective_view view = objective_view_of(s, &tile, width, height);
    double loss, target_loss[CONFIG_TARGETS_MAX];
    rng_jitter(config->seed, 7, record->octave, record->step, config->jitter, &view.dy, &view.dx);
    struct executor *executor = forward_rolled(s, image, width, height, view.dy, view.dx, &loss, target_loss);
    check_targets(s, executor, record->targets, target_loss, 1e-4); // the image of the test's own may be other roundings away
    objective_gradient(&s->objective, executor, &view);
    UNIT_OK(executor_backward(executor, objective_gradient_rule(config), EXECUTOR_IMAGE));
    naive_roll(executor_gradient(executor), gradient, 3, width, height, -view.dy, -view.dx);
    CU_ASSERT_DOUBLE_EQUAL(record->loss / loss, 1, 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(record->targets[1].loss / target_loss[1], 1, 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(record->total_variation / variation_of(image, width, height), 1, 1e-5);
    if (config->shape.pyramid > 1)
        equalise(config, &slopes);
    shaping_colours(&slopes, config->colours, config->shape.colour);
    if (config->smooth > 0)
        slab_blur(&slopes, &spare, config->smooth);
    if (config->total_variation > 0)
        shaping_add_total_variation(&slopes, &values, NULL, NULL, config->total_variation);
    free(scratch);
}

// What `normalize` divides a gradient of `count` values by.
static double naive_divisor(const float *gradient, size_t count, enum config_normalize normalize)
{
    double mean = 0, absolute = 0, squares = 0, variance = 0;
    for (size_t i = 0; i < count; i++) {
        mean += gradient[i] / (double)count;
        absolute += fabs(gradient[i]);
        squares += (double)gradient[i] * gradient[i];
    }
    for (size_t i = 0; i < count; i++)
        variance += (gradient[i] - mean) * (gradient[i] - mean) / (double)count;
    switch (normalize) {
    case NORMALIZE_STD:
        return sqrt(variance) + 1e-8;
    case NORMALIZE_RMS:
        return sqrt(squares / (double)count) + 1e-8;
    case NORMALIZE_MEAN_ABS:
        return absolute / (double)count + 1e-8;
    case NORMALIZE_L2:
        return sqrt(squares) + 1e-8;
    case NORMALIZE_NONE:
        break;
    }
    return 1;
}

// (height, width), 1 where there is none.
static float *mask_of(int width, int height)
{
    float *mask = naive_alloc(naive_count(1, height, width) * sizeof *mask);
    for (int i = 0; i < width * height; i++)
        mask[i] = 1;
    if (masked)
        UNIT_OK(mask_rows(masked, width, height, (struct span){0, height}, mask));
    return mask;
}

// One step as the design describes it.
static void naive_step(struct setup *s, float *image, const float *base, const struct step_row *record)
{
    const int width = record->width, height = record->height, step = record->step;
    const struct config *config = &s->config;
    const size_t count = naive_count(3, height, width);
    float *gradient = naive_alloc(count * sizeof *gradient);
    CU_ASSERT(record->image == 7 && record->frame == -1);
    if (record->octave == 0 && step == 0)
        CU_ASSERT(isinf(record->psnr) && record->psnr > 0)
    else
        CU_ASSERT_DOUBLE_EQUAL(record->psnr, naive_psnr(image, base, width, height), 1e-3);
    naive_gradient(s, image, width, height, gradient, record);
    CU_ASSERT_DOUBLE_EQUAL(record->gradient_norm / naive_divisor(gradient, count, NORMALIZE_L2), 1, 1e-4);
    const double size = config->step_size * pow(config->step_decay, step) / naive_divisor(gradient, count, config->normalize);
    float *mask = mask_of(width, height);
    for (size_t i = 0; i < count; i++)
        image[i] = (float)(image[i] + size * mask[i % (count / 3)] * gradient[i]);
    struct slab slab = whole_slab(image, width, height);
    slab_clip(&slab, config->clip == CLIP_COLOUR);
    free(mask);
    free(gradient);
}

static void check_against_description(const struct config *config, int width, int height)
{
    struct setup s;
    struct octave sizes[GEOMETRY_OCTAVES_MAX];
    const size_t full = naive_count(3, height, width);
    float *original = wavy_picture(width, height);
    float *image = naive_alloc(full * sizeof *image), *base = naive_alloc(full * sizeof *base);
    float *last = naive_alloc(full * sizeof *last), *larger = naive_alloc(full * sizeof *larger);
    const struct dreamed d = dream(config, width, height);
    set_up_config(&s, config);
    const int octaves = geometry_octaves(width, height, &config->octaves, sizes);
    CU_ASSERT_EQUAL(d.count, octaves * config->steps);
    for (int k = 0; k < octaves; k++) {
        const size_t count = naive_count(3, sizes[k].height, sizes[k].width);
        UNIT_OK(resample(original, 3, width, height, base, sizes[k].width, sizes[k].height));
        if (k > 0)
            UNIT_OK(resample(last, 3, sizes[k - 1].width, sizes[k - 1].height, larger, sizes[k].width, sizes[k].height));
        float *mask = mask_of(sizes[k].width, sizes[k].height);
        for (size_t i = 0; i < count; i++) {
            base[i] = (float)clip(base[i]);
            image[i] = k == 0 || mask[i % (count / 3)] == 0 ? base[i] : config->octaves.detail ? base[i] + larger[i] : larger[i];
        }
        struct slab slab = whole_slab(image, sizes[k].width, sizes[k].height);
        slab_clip(&slab, config->clip == CLIP_COLOUR);
        free(mask);
        for (int step = 0; step < config->steps; step++) {
            const struct step_row *here = &d.steps[k * config->steps + step];
            CU_ASSERT(here->octave == k && here->step == step);
            set_target_weights(&s, k, octaves);
            CU_ASSERT_FATAL(here->width == sizes[k].width && here->height == sizes[k].height);
            naive_step(&s, image, base, here);
        }
        for (size_t i = 0; i < count; i++)
            last[i] = config->octaves.detail ? image[i] - base[i] : image[i];
    }
    double *expected = calloc(full, sizeof *expected);
    for (size_t i = 0; i < full; i++)
        expected[i] = image[i];
    // same executor, other roundings of the update, which clipped colours turn on
    CU_ASSERT(naive_error(d.rgb, expected, full) < (config->clip == CLIP_COLOUR ? 2e-3 : 1e-4));
    CU_ASSERT_FALSE(same_picture(d.rgb, original, width, height));
    CU_ASSERT_FALSE(d.outcome.stopped);
    CU_ASSERT(d.outcome.seconds > 0);
    set_target_weights(&s, 0, 1); // the picture itself is seen with all of them
    check_picture(&s, &d.outcome.before, original, width, height);
    check_picture(&s, &d.outcome.after, d.rgb, width, height);
    CU_ASSERT(isinf(d.outcome.before.psnr) && d.outcome.before.psnr > 0);
    CU_ASSERT_DOUBLE_EQUAL(d.outcome.after.psnr, naive_psnr(d.rgb, original, width, height), 1e-9);
    CU_ASSERT(d.outcome.after.loss > (masked ? 1.01 : 1.05) * d.outcome.before.loss); // it is an ascent
    tear_down(&s);
    free(expected);
    free(larger);
    free(last);
    free(base);
    free(image);
    free(d.rgb);
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
    config.shape.pyramid = 3;
    config.shape.coarse = 0.3;
    config.shape.colour = 0.6;
    config.step_size = 0.03;
    check_against_description(&config, 120, 99);
    config.clip = CLIP_CHANNELS;
    check_against_description(&config, 120, 99);
}

static void set_targets(struct config *config, const char *targets)
{
    char setting[128];
    snprintf(setting, sizeof setting, "targets=%s", targets);
    UNIT_OK(config_set(config, setting));
}

// Targets that count in some octaves only, and channels that are lowered.
static void test_octaves_of_targets(void)
{
    struct config config;
    configure(&config);
    set_targets(&config, "mixed1%0.5..1:2,mixed2%0..0.5");
    config.octaves.count = 3;
    config.octaves.scale = 1.15;
    check_against_description(&config, 120, 117);
    check_against_description(&config, 103, 99); // has two
    set_targets(&config, "mixed1%0..0,mixed2#3+30+31-32-33+34+35+36+37");
    check_against_description(&config, 120, 117);
}

// A picture of one octave has all targets.
static void test_single_octave(void)
{
    const int width = 85, height = 84;
    struct config config;
    configure(&config);
    set_targets(&config, "mixed1,mixed2:0.5");
    const struct dreamed known = dream(&config, width, height);
    set_targets(&config, "mixed1%0..0.5,mixed2%0.5..1:0.5");
    const struct dreamed d = dream(&config, width, height);
    CU_ASSERT_EQUAL(d.count, config.steps);
    CU_ASSERT(same_picture(d.rgb, known.rgb, width, height) && d.steps[0].loss == known.steps[0].loss);
    free(known.rgb);
    free(d.rgb);
}

// In an octave that a target does not count in, all is as if it were not there, whatever guides the ascent.
static void test_target_elsewhere(void)
{
    static const char *const guided[] = {"guidance.cam=0.5", "guidance.importance=0.8", "guidance.add_cam=0.3", "cam.layer=mixed1"};
    const int width = 130, height = 125;
    struct config config;
    configure(&config);
    for (int i = 0; i < 4; i++) {
        UNIT_OK(config_set(&config, guided[i]));
        set_targets(&config, "mixed1:1");
        const struct dreamed alone = dream_in_tiles(&config, NULL, width, height, config.steps);
        set_targets(&config, "mixed1:1,mixed2%0.5..1:0.5");
        const struct dreamed d = dream_in_tiles(&config, NULL, width, height, config.steps);
        CU_ASSERT(same_picture(d.rgb, alone.rgb, width, height));
        for (int step = 0; step < config.steps; step++) {
            CU_ASSERT(d.steps[step].loss == alone.steps[step].loss);
            CU_ASSERT(d.steps[step].targets[1].loss > 0 && d.steps[step].targets[1].score > 0); // its metrics are there
        }
        free(alone.rgb);
        free(d.rgb);
    }
}

// The check of a configuration refuses it, but an octave in which no target counts would be left as it is.
static void test_no_target(void)
{
    const int width = 102, height = 103;
    struct config config;
    float *original = wavy_picture(width, height);
    configure(&config);
    config.guidance.add_cam = 0.5;
    set_targets(&config, "mixed1%0.1..0.2,mixed2%0.5..0.9");
    for (const struct config_word *word = config_find("normalize")->words; word->name; word++) {
        config.normalize = (enum config_normalize)word->value;
        const struct dreamed d = dream(&config, width, height);
        CU_ASSERT_EQUAL(d.count, 2 * config.steps);
        CU_ASSERT(d.steps[1].loss == 0 && d.steps[1].gradient_norm == 0 && d.steps[1].targets[0].loss > 0);
        CU_ASSERT(same_picture(d.rgb, original, width, height));
        free(d.rgb);
    }
    free(original);
}

static void test_masked(void)
{
    struct config config;
    struct mask mask = half_mask();
    masked = &mask;
    configure(&config);
    check_against_description(&config, 139, 117);
    config.octaves.detail = false;
    config.total_variation = 0.1;
    config.smooth = 0.8;
    check_against_description(&config, 102, 103);
    masked = NULL;
    mask_destroy(&mask);
}

static void count_unlike(const float *a, const float *b, const float *mask, size_t plane, int unlike[2])
{
    unlike[0] = unlike[1] = 0;
    for (size_t i = 0; i < 3 * plane; i++)
        unlike[mask[i % plane] > 0] += memcmp(&a[i], &b[i], sizeof *a) != 0;
}

// Wherever it ends: what is black is the original's, bit by bit, and the rest is not. All black, nothing is dreamed; all white, all as
// without a mask.
static void test_black_and_white(void)
{
    const int width = 130, height = 125;
    const size_t plane = (size_t)width * height;
    float *original = wavy_picture(width, height);
    struct mask mask = half_mask();
    struct config config;
    configure(&config);
    UNIT_OK(config_set(&config, "guidance.saliency=0.5"));
    for (int stop_after = 0; stop_after <= 7; stop_after++)
        for (int detail = 0; detail < 2; detail++) {
            int unlike[2];
            config.octaves.detail = detail;
            masked = &mask;
            float *factors = mask_of(width, height);
            const struct dreamed d = dream_in_tiles(&config, NULL, width, height, stop_after);
            UNIT_OK(d.status);
            count_unlike(d.rgb, original, factors, plane, unlike);
            CU_ASSERT_EQUAL(unlike[0], 0);
            CU_ASSERT(stop_after == 0 ? unlike[1] == 0 : unlike[1] > (int)plane);
            free(factors);
            free(d.rgb);
        }
    memset(mask.values, 0, mask_count(&mask) * sizeof *mask.values);
    const struct dreamed black = dream(&config, width, height);
    CU_ASSERT(same_picture(black.rgb, original, width, height));
    memset(mask.values, 0xff, mask_count(&mask) * sizeof *mask.values);
    const struct dreamed white = dream(&config, width, height);
    masked = NULL;
    const struct dreamed free_one = dream(&config, width, height);
    CU_ASSERT(same_picture(white.rgb, free_one.rgb, width, height));
    CU_ASSERT_EQUAL(white.steps[0].gradient_norm, black.steps[0].gradient_norm); // the gradient is as it is without a mask
    mask_destroy(&mask);
    free(black.rgb);
    free(white.rgb);
    free(free_one.rgb);
    free(original);
}

// By every word of `normalize`: steps about as long as those by the standard deviation.
static void test_normalisations(void)
{
    const int width = 102, height = 103;
    const struct config_word *words = config_find("normalize")->words;
    struct config config;
    configure(&config);
    const struct dreamed first = dream(&config, width, height);
    for (const struct config_word *word = words; word->name; word++) {
        config.normalize = (enum config_normalize)word->value;
        config.step_size = config.normalize == NORMALIZE_L2     ? 0.01 * sqrt(3.0 * width * height)
                           : config.normalize == NORMALIZE_NONE ? 0.01 * sqrt(3.0 * width * height) / first.steps[0].gradient_norm
                                                                : 0.01;
        check_against_description(&config, width, height);
    }
    free(first.rgb);
}

// What total variation, smoothing and the rule of the gradient do is tested elsewhere; here, that each setting reaches the picture, and
// that without any it comes out the same.
static void test_settings_matter(void)
{
    static const char *const settings[] = {"seed=100",
                                           "total_variation=1",
                                           "smooth=1",
                                           "gradient=plain",
                                           "gradient_strength=0.5",
                                           "shape.pyramid=3",
                                           "shape.colour=0.5",
                                           "colours=original",
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
    struct config config;
    configure(&config);
    config.steps = 2;
    const struct dreamed first = dream(&config, width, height), again = dream(&config, width, height);
    CU_ASSERT(same_picture(first.rgb, again.rgb, width, height));
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        struct config changed = config;
        UNIT_OK(config_set(&changed, settings[i]));
        const struct dreamed other = dream(&changed, width, height);
        CU_ASSERT_FALSE(same_picture(first.rgb, other.rgb, width, height));
        free(other.rgb);
    }
    free(again.rgb);
    free(first.rgb);
}

// Ends behind the step in which it is asked to; asked before the first, at once.
static void test_stop(void)
{
    const int width = 130, height = 125;
    const size_t count = naive_count(3, height, width);
    float *original = wavy_picture(width, height);
    struct config config;
    configure(&config);
    for (int stop_after = 0; stop_after <= 5; stop_after++) {
        config.octaves.detail = stop_after % 2;
        const struct dreamed d = dream_in_tiles(&config, NULL, width, height, stop_after);
        CU_ASSERT(d.status == STATUS_OK && d.outcome.stopped);
        CU_ASSERT_EQUAL(d.count, stop_after);
        CU_ASSERT_EQUAL(d.asked, stop_after + 1);
        CU_ASSERT(isnan(d.outcome.after.loss) && isnan(d.outcome.after.psnr) && isnan(d.outcome.after.targets[0].score) &&
                  d.outcome.before.loss > 0);
        double difference = 0;
        size_t outside = 0;
        for (size_t i = 0; i < count; i++) {
            outside += !(d.rgb[i] >= -1 && d.rgb[i] <= 1);
            difference = fmax(difference, fabs(d.rgb[i] - original[i]));
        }
        // the original and what was dreamed so far: at most some steps of a few standard deviations, never another picture
        CU_ASSERT(stop_after == 0 ? difference == 0 : difference > 0.5 * config.step_size);
        CU_ASSERT_EQUAL(outside, 0);
        CU_ASSERT(difference <= 12 * config.step_size * stop_after);
        free(d.rgb);
    }
    free(original);
}

// Stopped in the first of two octaves: the dream of that octave alone, enlarged, or what it has added to the original, enlarged.
static void test_stop_below_full_size(void)
{
    const int width = 130, height = 125;
    const size_t count = naive_count(3, height, width);
    struct octave sizes[GEOMETRY_OCTAVES_MAX];
    struct config config;
    configure(&config);
    CU_ASSERT_EQUAL(geometry_octaves(width, height, &config.octaves, sizes), 2);
    const int small_width = sizes[0].width, small_height = sizes[0].height;
    const size_t small_count = naive_count(3, small_height, small_width);
    float *original = wavy_picture(width, height), *larger = naive_alloc(count * sizeof *larger);
    float *base = naive_alloc(small_count * sizeof *base);
    UNIT_OK(resample(original, 3, width, height, base, small_width, small_height));
    for (size_t i = 0; i < small_count; i++)
        base[i] = (float)clip(base[i]);
    for (int stop_after = 1; stop_after <= config.steps; stop_after++)
        for (int detail = 0; detail < 2; detail++) {
            config.octaves.detail = detail;
            config.octaves.count = 2;
            const struct dreamed d = dream_in_tiles(&config, NULL, width, height, stop_after);
            CU_ASSERT(d.status == STATUS_OK && d.outcome.stopped && d.count == stop_after);
            config.octaves.count = 1;
            const struct dreamed small = dream_on(&config, NULL, base, small_width, small_height, stop_after);
            UNIT_OK(small.status);
            for (size_t i = 0; i < small_count && detail; i++)
                small.rgb[i] -= base[i];
            UNIT_OK(resample(small.rgb, 3, small_width, small_height, larger, width, height));
            for (size_t i = 0; i < count; i++)
                larger[i] = (float)clip(detail ? original[i] + larger[i] : larger[i]);
            CU_ASSERT(same_picture(d.rgb, larger, width, height));
            free(small.rgb);
            free(d.rgb);
        }
    free(base);
    free(larger);
    free(original);
}

// In the last step there is nothing left to leave out.
static void test_stop_too_late(void)
{
    const int width = 101, height = 98;
    struct config config;
    configure(&config);
    const struct dreamed whole = dream(&config, width, height);
    CU_ASSERT_EQUAL(whole.count, 2 * config.steps);
    const struct dreamed stopped = dream_in_tiles(&config, NULL, width, height, 2 * config.steps);
    CU_ASSERT(stopped.status == STATUS_OK && stopped.count == 2 * config.steps && !stopped.outcome.stopped);
    CU_ASSERT(memcmp(&stopped.outcome.after, &whole.outcome.after, sizeof whole.outcome.after) == 0);
    CU_ASSERT(same_picture(stopped.rgb, whole.rgb, width, height));
    free(whole.rgb);
    free(stopped.rgb);
}

static void test_no_steps(void)
{
    const int width = 110, height = 100;
    struct config config;
    configure(&config);
    config.steps = 0;
    float *original = wavy_picture(width, height);
    const struct dreamed d = dream(&config, width, height);
    CU_ASSERT(same_picture(d.rgb, original, width, height));
    CU_ASSERT(d.outcome.before.loss == d.outcome.after.loss && isinf(d.outcome.after.psnr));
    free(d.rgb);
    free(original);
}

static void test_too_small(void)
{
    struct config config;
    struct objective objective;
    size_t bytes;
    configure(&config);
    UNIT_OK(config_set(&config, "targets=mixed10"));
    const struct dreamed d = dream_in_tiles(&config, NULL, 74, 200, STOP_NEVER);
    CU_ASSERT_EQUAL(d.status, STATUS_LIMIT);
    CU_ASSERT(strstr(status_message(), "74 x 200") != NULL);
    CU_ASSERT_EQUAL(d.count, 0);
    UNIT_OK(objective_find_targets(&objective, &config));
    CU_ASSERT_EQUAL(engine_estimate(&objective, 74, 200, false, &bytes), STATUS_LIMIT);
    free(d.rgb);
}

static void test_not_finite(void)
{
    struct config config;
    configure(&config);
    config.targets.items[0].weight = 1e300; // more than a float
    config.gradient = GRADIENT_PLAIN;       // guided ones that are no numbers count for 0
    const struct dreamed d = dream_in_tiles(&config, NULL, 110, 120, STOP_NEVER);
    CU_ASSERT_EQUAL(d.status, STATUS_INTERNAL);
    CU_ASSERT_STRING_EQUAL(status_message(), "the gradient of octave 0, step 0 is not finite");
    CU_ASSERT_EQUAL(d.count, 0);
    free(d.rgb);
}

// More sizes than the engine keeps, in an order that makes it forget and build again.
static void test_many_sizes(void)
{
    enum { SIDES = 20 };
    struct config config;
    struct setup s;
    double first[SIDES];
    configure(&config);
    set_up_config(&s, &config);
    for (int run = 0; run < 2 * SIDES; run++) {
        const int k = run * 7 % SIDES, width = 75 + 3 * k, height = 140 - 2 * k;
        float *image = wavy_picture(width, height);
        double loss, target_loss[CONFIG_TARGETS_MAX];
        forward_rolled(&s, image, width, height, 0, 0, &loss, target_loss);
        if (run < SIDES)
            first[k] = loss;
        CU_ASSERT(loss == first[k]);
        free(image);
    }
    tear_down(&s);
}

static const struct unit_test tests[] = {
    {"the description", test_description},
    {"masked", test_masked},
    {"black and white", test_black_and_white},
    {"normalisations", test_normalisations},
    {"octaves of targets", test_octaves_of_targets},
    {"a single octave", test_single_octave},
    {"a target of other octaves", test_target_elsewhere},
    {"octaves without a target", test_no_target},
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
