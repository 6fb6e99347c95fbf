// SPDX-License-Identifier: MIT
// A guided ascent against its description, put together step by step from its parts, to the bit: when each map is made, of what, and where
// it goes.
#include "common/system/rng.h"
#include "dream_run.h"
#include "worker/ascent/ascent.h"
#include "worker/ascent/guidance.h"
#include "worker/ascent/shaping.h"
#include "worker/look/cam.h"
#include "worker/look/importance.h"
#include "worker/team/slab_blur.h"

enum { WIDTH = 117, HEIGHT = 104, COUNT = 3 * WIDTH * HEIGHT, BANDS = (HEIGHT + TILING_BAND - 1) / TILING_BAND };

static const struct tile_rules ONE_TILE = {.size = 65536, .halo = 64, .blend = 8, .stride = 16};

// One octave as one tile, by a team of one.
struct ascender {
    struct setup setup;        // as configured
    struct objective weighted; // with weights that follow the importance of channels
    struct tiling tiling;
    struct features features;
    struct guidance guidance;
    struct slab gradient, scratch, image;
};

static void set_up_ascender(struct ascender *a, const struct config *config, float *image)
{
    *a = (struct ascender){.image = whole_slab(image, WIDTH, HEIGHT)};
    set_up_config(&a->setup, config);
    UNIT_OK(objective_init(&a->weighted, &a->setup.config, setup_weights(), NETWORK_CLASSES_MAX));
    UNIT_OK(tiling_create(&a->tiling, WIDTH, HEIGHT, &ONE_TILE));
    UNIT_OK(features_create(&a->features, &a->setup.objective, a->setup.job.team, &a->tiling, 3));
    UNIT_OK(slab_copy(&a->gradient, &a->image));
    UNIT_OK(slab_copy(&a->scratch, &a->image));
    a->guidance = (struct guidance){.config = &a->setup.config, .team = a->setup.job.team};
}

static void tear_down_ascender(struct ascender *a)
{
    guidance_destroy(&a->guidance);
    slab_destroy(&a->gradient);
    slab_destroy(&a->scratch);
    features_destroy(&a->features);
    objective_destroy(&a->weighted);
    tear_down(&a->setup);
}

static void keep_gradient(void *context, int target, const struct tensor *gradient)
{
    features_keep_gradient(context, 0, target, gradient);
}

// The gradient of an objective, by a rule, back in its place; its features are kept.
static void pass(struct ascender *a, const struct objective *objective, enum gradient_mode mode, int dy, int dx)
{
    const struct tile tile = tiling_tile(&a->tiling, 0);
    struct objective_view view = objective_view_of(&a->setup, &tile, WIDTH, HEIGHT);
    struct executor *executor;
    double sums[CONFIG_TARGETS_MAX];
    view.dy = dy;
    view.dx = dx;
    UNIT_OK(engine_executor(a->setup.engine, WIDTH, HEIGHT, &executor));
    naive_roll(a->image.data, executor_image(executor), 3, WIDTH, HEIGHT, dy, dx);
    UNIT_OK(executor_forward(executor));
    UNIT_OK(objective_sums(objective, executor, &view, sums));
    for (int t = 0; t < objective->count; t++) {
        const struct tensor activation = executor_target(executor, t);
        features_keep_activation(&a->features, 0, t, &activation);
    }
    objective_gradient(objective, executor, &view);
    executor_on_gradient(executor, keep_gradient, &a->features);
    UNIT_OK(executor_backward(
        executor, (struct gradient_rule){.mode = mode, .above = network_find(network_inception_v3(), a->setup.config.gradient_above)},
        EXECUTOR_IMAGE));
    executor_on_gradient(executor, NULL, NULL);
    naive_roll(executor_gradient(executor), a->gradient.data, 3, WIDTH, HEIGHT, -dy, -dx);
}

// Importance is that of the objective as configured, by plain gradients, and stays until the next look.
static void weigh(struct ascender *a, int dy, int dx)
{
    const struct objective *plain = &a->setup.objective;
    float importance[2048];
    pass(a, plain, GRADIENT_MODE_PLAIN, dy, dx);
    for (int t = 0; t < plain->count; t++) {
        UNIT_OK(importance_gradient_activation(&a->features, t, importance));
        importance_weights(importance, plain->weights[t], plain->channels[t], plain->config->guidance.importance, a->weighted.weights[t]);
    }
}

static void step(struct ascender *a, int number)
{
    const struct config *config = &a->setup.config;
    const bool looks = number % config->guidance.every == 0;
    double scale, bands[BANDS][SLAB_MOMENTS], sums[SLAB_MOMENTS] = {0};
    int dy, dx;
    rng_jitter(config->seed, 7, 0, number, config->jitter, &dy, &dx);
    if (looks && config->guidance.importance > 0)
        weigh(a, dy, dx);
    pass(a, &a->weighted, GRADIENT_MODE_GUIDED, dy, dx);
    if (looks) {
        struct heat cam;
        UNIT_OK(cam_make(&a->features, cam_target(&a->setup.objective), config->cam.method, dy, dx, &cam, &scale));
        UNIT_OK(guidance_look(&a->guidance, &a->gradient, &cam)); // of the gradient as the network gives it
    }
    UNIT_OK(guidance_apply(&a->guidance, &a->gradient));
    slab_blur(&a->gradient, &a->scratch, config->smooth);
    shaping_add_total_variation(&a->gradient, &a->image, NULL, NULL, config->total_variation);
    slab_moments(&a->gradient, a->image.rows, bands[0], SLAB_MOMENTS);
    for (int b = 0; b < BANDS; b++)
        for (int k = 0; k < SLAB_MOMENTS; k++)
            sums[k] += bands[b][k];
    shaping_ascend(&a->image, &a->gradient, config->step_size / shaping_divisor(sums, COUNT, config->normalize), config->clip);
}

// `settings` up to NULL.
static void check(const char *const *settings)
{
    struct config config;
    struct ascender ascender;
    float *image = wavy_picture(WIDTH, HEIGHT);
    configure(&config);
    config.octaves.count = 1;
    config.steps = 5;
    config.normalize = NORMALIZE_RMS;
    config.smooth = 0.6;
    config.total_variation = 0.01;
    const struct dreamed unguided = dream_in_tiles(&config, &ONE_TILE, WIDTH, HEIGHT, STOP_NEVER);
    for (; *settings; settings++)
        UNIT_OK(config_set(&config, *settings));
    const struct dreamed guided = dream_in_tiles(&config, &ONE_TILE, WIDTH, HEIGHT, STOP_NEVER);
    set_up_ascender(&ascender, &config, image);
    for (int k = 0; k < config.steps; k++)
        step(&ascender, k);
    CU_ASSERT(same_picture(guided.rgb, image, WIDTH, HEIGHT));
    CU_ASSERT_FALSE(same_picture(guided.rgb, unguided.rgb, WIDTH, HEIGHT));
    tear_down_ascender(&ascender);
    free(unguided.rgb);
    free(guided.rgb);
    free(image);
}
#define CHECK(...) check((const char *const[]){__VA_ARGS__, NULL})

static void test_masks(void)
{
    CHECK("guidance.saliency=0.9", "guidance.every=2");
    CHECK("guidance.cam=0.9", "guidance.every=3");
    CHECK("guidance.cam=1", "guidance.saliency=0.5", "cam.method=layercam", "cam.layer=mixed1");
}

static void test_added_terms(void)
{
    CHECK("guidance.add_cam=2", "guidance.every=4");
    CHECK("guidance.add_magnitude=0.2", "guidance.add_saliency=0.3", "guidance.add_cam=0.4", "cam.method=gradcam++");
}

static void test_importance(void)
{
    CHECK("guidance.importance=1");
    CHECK("guidance.importance=0.8", "targets=mixed1#-3-30+31-32+33:1,mixed2#3+30-31-32-33+34-35+36-37:0.5", "guidance.cam=0.4");
    CHECK("guidance.importance=0.5", "guidance.every=2", "targets=mixed1:1,mixed2#3+30+31+32+33+34+35+36+37:0.5", "objective=mean");
}

// CAM proper takes the classifier's weights, whatever weights guide the objective.
static void test_class(void)
{
    CHECK("objective=class", "targets=mixed10", "class=9", "cam.method=class", "guidance.cam=0.9", "guidance.importance=0.7");
}

static void test_everything(void)
{
    CHECK("guidance.importance=0.7", "guidance.saliency=0.5", "guidance.cam=0.5", "guidance.add_saliency=0.1", "guidance.every=2");
}

static const struct unit_test tests[] = {
    {"masks", test_masks},   {"added terms", test_added_terms}, {"importance", test_importance},
    {"a class", test_class}, {"everything", test_everything},
};
UNIT_MAIN("dream_guided", tests)
