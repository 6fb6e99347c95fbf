// SPDX-License-Identifier: MIT
// A guided ascent against its description, put together step by step from its parts, to the bit: when each map is made, of what, and where
// it goes.
#include "common/picture/geometry.h"
#include "common/system/rng.h"
#include "dream_run.h"
#include "worker/ascent/ascent.h"
#include "worker/ascent/guidance.h"
#include "worker/ascent/shaping.h"
#include "worker/look/cam.h"
#include "worker/look/importance.h"

enum { WIDTH = 117, HEIGHT = 104, COUNT = 3 * WIDTH * HEIGHT, BANDS = (HEIGHT + TILING_BAND - 1) / TILING_BAND };

static const struct tile_rules ONE_TILE = {.size = 65536, .halo = 64, .blend = 8, .stride = 16};

// One octave as one tile, by a team of one.
struct ascender {
    const struct config *config;
    struct objective plain, weighted; // as configured; with weights that follow the importance of channels
    struct engine *engine;
    struct timing timing;
    struct team *team;
    struct tiling tiling;
    struct span work, shares;
    struct features features;
    struct guidance guidance;
    struct slab gradient, scratch, image;
};

static void set_up(struct ascender *a, const struct config *config, float *image)
{
    const struct span rows = {0, HEIGHT};
    *a = (struct ascender){.config = config, .work = {0, 1}, .image = {.width = WIDTH, .height = HEIGHT, .rows = rows, .data = image}};
    a->shares.end = shaping_bands(rows);
    UNIT_OK(objective_init(&a->plain, config, weights, NETWORK_CLASSES_MAX));
    UNIT_OK(objective_init(&a->weighted, config, weights, NETWORK_CLASSES_MAX));
    UNIT_OK(engine_create(&a->engine, &a->plain, weights, NULL));
    UNIT_OK(team_create(&a->team, MPI_COMM_NULL, &(int32_t){0}, 1, &a->timing));
    UNIT_OK(tiling_create(&a->tiling, WIDTH, HEIGHT, &ONE_TILE));
    UNIT_OK(features_create(&a->features, &a->plain, a->team, &a->tiling, &a->work, 3));
    UNIT_OK(slab_create(&a->gradient, WIDTH, HEIGHT, rows));
    UNIT_OK(slab_create(&a->scratch, WIDTH, HEIGHT, rows));
    guidance_init(&a->guidance, config, a->team, rows, &a->shares);
}

static void tear_down(struct ascender *a)
{
    guidance_destroy(&a->guidance);
    slab_destroy(&a->gradient);
    slab_destroy(&a->scratch);
    features_destroy(&a->features);
    team_destroy(&a->team);
    engine_destroy(&a->engine);
    objective_destroy(&a->plain);
    objective_destroy(&a->weighted);
}

static void keep_gradient(void *context, int target, const struct tensor *gradient)
{
    features_keep_gradient(context, 0, target, gradient);
}

// The gradient of an objective, by a rule, back in its place; its features are kept.
static void pass(struct ascender *a, const struct objective *objective, enum gradient_mode mode, int dy, int dx)
{
    const struct tile tile = tiling_tile(&a->tiling, 0);
    struct objective_view view = {.tile = &tile, .width = WIDTH, .height = HEIGHT, .dy = dy, .dx = dx};
    struct executor *executor;
    double sums[CONFIG_TARGETS_MAX];
    objective_values(objective, WIDTH, HEIGHT, view.values);
    UNIT_OK(engine_executor(a->engine, WIDTH, HEIGHT, &executor));
    geometry_roll(a->image.data, executor_image(executor), 3, WIDTH, HEIGHT, dy, dx);
    UNIT_OK(executor_forward(executor));
    UNIT_OK(objective_sums(objective, executor, &view, sums));
    for (int t = 0; t < objective->count; t++) {
        const struct tensor activation = executor_target(executor, t);
        features_keep_activation(&a->features, 0, t, &activation);
    }
    objective_gradient(objective, executor, &view);
    executor_on_gradient(executor, keep_gradient, &a->features);
    UNIT_OK(executor_backward(executor, mode, network_find(network_inception_v3(), a->config->gradient_above)));
    executor_on_gradient(executor, NULL, NULL);
    geometry_roll(executor_gradient(executor), a->gradient.data, 3, WIDTH, HEIGHT, -dy, -dx);
}

// Importance is that of the objective as configured, by plain gradients, and stays until the next look.
static void weigh(struct ascender *a, int dy, int dx)
{
    float importance[2048];
    pass(a, &a->plain, GRADIENT_MODE_PLAIN, dy, dx);
    for (int t = 0; t < a->plain.count; t++) {
        UNIT_OK(importance_gradient_activation(&a->features, t, importance));
        importance_weights(importance, a->plain.weights[t], a->plain.channels[t], a->config->guidance.importance, a->weighted.weights[t]);
    }
}

static void step(struct ascender *a, int number)
{
    const bool looks = number % a->config->guidance.every == 0;
    double scale, bands[BANDS][SHAPING_SUMS], sums[SHAPING_SUMS] = {0};
    int dy, dx;
    rng_jitter(a->config->seed, 7, 0, number, a->config->jitter, &dy, &dx);
    if (looks && a->config->guidance.importance > 0)
        weigh(a, dy, dx);
    pass(a, &a->weighted, GRADIENT_MODE_GUIDED, dy, dx);
    if (looks) {
        struct heat cam;
        UNIT_OK(cam_make(&a->features, cam_target(&a->plain), a->config->cam.method, dy, dx, &cam, &scale));
        UNIT_OK(guidance_look(&a->guidance, &a->gradient, &cam)); // of the gradient as the network gives it
    }
    UNIT_OK(guidance_apply(&a->guidance, &a->gradient));
    shaping_smooth(&a->gradient, &a->scratch, a->config->smooth);
    shaping_add_total_variation(&a->gradient, &a->image, NULL, NULL, a->config->total_variation);
    shaping_sums(&a->gradient, a->image.rows, bands);
    for (int b = 0; b < BANDS; b++)
        for (int k = 0; k < SHAPING_SUMS; k++)
            sums[k] += bands[b][k];
    const struct gradient_norms norms = shaping_norms(sums, COUNT);
    shaping_ascend(&a->image, &a->gradient, a->config->step_size / shaping_divisor(&norms, a->config->normalize));
}

// `settings` up to NULL.
static void check(const char *const *settings)
{
    struct config config;
    struct ascender ascender;
    struct record record;
    struct dream_outcome outcome;
    float *rgb = picture(WIDTH, HEIGHT), *image = picture(WIDTH, HEIGHT), *unguided = picture(WIDTH, HEIGHT);
    configure(&config);
    config.octaves.count = 1;
    config.steps = 5;
    config.normalize = NORMALIZE_RMS;
    config.smooth = 0.6;
    config.total_variation = 0.01;
    UNIT_OK(dream_in_tiles(&config, &ONE_TILE, unguided, WIDTH, HEIGHT, STOP_NEVER, &record, &outcome));
    for (; *settings; settings++)
        UNIT_OK(config_set(&config, *settings));
    UNIT_OK(dream_in_tiles(&config, &ONE_TILE, rgb, WIDTH, HEIGHT, STOP_NEVER, &record, &outcome));
    set_up(&ascender, &config, image);
    for (int k = 0; k < config.steps; k++)
        step(&ascender, k);
    CU_ASSERT(memcmp(rgb, image, COUNT * sizeof *rgb) == 0);
    CU_ASSERT(memcmp(rgb, unguided, COUNT * sizeof *rgb) != 0);
    tear_down(&ascender);
    free(unguided);
    free(image);
    free(rgb);
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
    free(weights); // the last of the tests
}

static const struct unit_test tests[] = {
    {"masks", test_masks},   {"added terms", test_added_terms}, {"importance", test_importance},
    {"a class", test_class}, {"everything", test_everything},
};
UNIT_MAIN("dream_guided", tests)
