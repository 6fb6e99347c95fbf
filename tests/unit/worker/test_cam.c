// SPDX-License-Identifier: MIT
// Class activation maps against the formulas of their papers, whole and in tiles.
#include "worker/look/cam.h"

#include "features_setup.h"

enum { WIDTH = 300, HEIGHT = 260 };
static const enum config_cam methods[] = {CAM_GRAD, CAM_GRAD_PLUS_PLUS, CAM_LAYER, CAM_HIRES, CAM_CLASS};
enum { METHODS = sizeof methods / sizeof methods[0] };

static double naive_cam(const struct features_setup *s, int t, enum config_cam method, double *map)
{
    const struct naive_target *target = &s->targets[t];
    double *weights = calloc((size_t)target->channels, sizeof *weights);
    if (method == CAM_GRAD)
        naive_grad_cam_weights(target, weights);
    else if (method == CAM_GRAD_PLUS_PLUS)
        naive_grad_cam_plus_plus_weights(target, weights);
    for (int c = 0; c < target->channels && method == CAM_CLASS; c++)
        weights[c] = s->objective.weights[t][c];
    const double scale = naive_map(target, method == CAM_LAYER || method == CAM_HIRES ? NULL : weights, method == CAM_LAYER, map);
    free(weights);
    return scale;
}

static void check_map(struct features_setup *s, int t, enum config_cam method, const struct tile_rules *rules)
{
    const size_t positions = naive_positions(&s->targets[t]);
    double *expected = calloc(positions, sizeof *expected), scale = -1, most = 0;
    struct heat heat;
    size_t outside = 0;
    const double expected_scale = naive_cam(s, t, method, expected);
    features_fill(s, WIDTH, HEIGHT, rules);
    UNIT_OK(cam_make(&s->features, t, method, 5, -7, &heat, &scale));
    CU_ASSERT(expected_scale > 0 && features_close(scale, expected_scale, 1e-6));
    CU_ASSERT(heat.grid.width == s->targets[t].width && heat.grid.height == s->targets[t].height);
    CU_ASSERT(heat.grid.stride == s->objective.fields[t].stride && heat.grid.dy == 5 && heat.grid.dx == -7);
    CU_ASSERT(naive_error(heat.values, expected, positions) < 1e-6);
    for (size_t p = 0; p < positions; p++) {
        outside += !(heat.values[p] >= 0 && heat.values[p] <= 1);
        most = fmax(most, heat.values[p]);
    }
    CU_ASSERT_EQUAL(outside, 0);
    CU_ASSERT_EQUAL(most, 1);
    heat_destroy(&heat);
    free(expected);
}

// Signs of both kinds, so that no step of a formula can be left out: the naive map has zeros and others.
static void test_methods(void)
{
    struct features_setup s;
    features_set_up(&s, "mixed0,conv2d_6:2", WIDTH, HEIGHT, 3);
    for (int t = 0; t < 2; t++) {
        naive_fill(s.objective.weights[t], (size_t)s.targets[t].channels, 9); // as of a class
        for (int m = 0; m < METHODS; m++) {
            check_map(&s, t, methods[m], &ONE_TILE);
            check_map(&s, t, methods[m], &SMALL_TILES);
            CU_ASSERT(tiling_count(&s.tiling) > 4);
        }
    }
    features_tear_down(&s);
}

// CAM proper looks at no gradient.
static void test_class_without_gradient(void)
{
    struct features_setup s;
    features_set_up(&s, "mixed0", WIDTH, HEIGHT, 0);
    naive_fill(s.objective.weights[0], (size_t)s.targets[0].channels, 9);
    check_map(&s, 0, CAM_CLASS, &SMALL_TILES);
    features_tear_down(&s);
}

// Where nothing speaks for the loss the map is 0 everywhere, not a quotient of zeros.
static void test_zero_map(void)
{
    struct features_setup s;
    features_set_up(&s, "mixed0", WIDTH, HEIGHT, 1);
    const size_t positions = naive_positions(&s.targets[0]), count = (size_t)s.targets[0].channels * positions;
    for (size_t i = 0; i < count; i++)
        s.gradients[0][i] = -fabsf(s.gradients[0][i]);
    for (int c = 0; c < s.targets[0].channels; c++)
        s.objective.weights[0][c] = -1;
    features_fill(&s, WIDTH, HEIGHT, &SMALL_TILES);
    for (int m = 0; m < METHODS; m++) {
        struct heat heat;
        double scale = -1;
        size_t wrong = 0;
        UNIT_OK(cam_make(&s.features, 0, methods[m], 0, 0, &heat, &scale));
        CU_ASSERT_EQUAL(scale, 0);
        for (size_t p = 0; p < positions; p++)
            wrong += heat.values[p] != 0;
        CU_ASSERT_EQUAL(wrong, 0);
        heat_destroy(&heat);
    }
    features_tear_down(&s);
}

static void test_threads(void)
{
    const int threads = omp_get_max_threads();
    struct features_setup s;
    features_set_up(&s, "mixed0", WIDTH, HEIGHT, 1);
    features_fill(&s, WIDTH, HEIGHT, &SMALL_TILES);
    for (int m = 0; m < METHODS; m++) {
        struct heat first, again;
        double scale, other;
        omp_set_num_threads(1);
        UNIT_OK(cam_make(&s.features, 0, methods[m], 0, 0, &first, &scale));
        omp_set_num_threads(3);
        UNIT_OK(cam_make(&s.features, 0, methods[m], 0, 0, &again, &other));
        CU_ASSERT(scale == other && memcmp(first.values, again.values, naive_positions(&s.targets[0]) * sizeof(float)) == 0);
        heat_destroy(&first);
        heat_destroy(&again);
    }
    omp_set_num_threads(threads);
    features_tear_down(&s);
}

static void test_target(void)
{
    struct config config;
    struct objective objective;
    config_init(&config);
    UNIT_OK(config_set(&config, "targets=mixed0,mixed5,mixed3"));
    UNIT_OK(objective_find_targets(&objective, &config));
    CU_ASSERT_EQUAL(cam_target(&objective), 1); // the deepest
    UNIT_OK(config_set(&config, "cam.layer=mixed3"));
    CU_ASSERT_EQUAL(cam_target(&objective), 2);
    UNIT_OK(config_set(&config, "cam.layer=mixed0"));
    CU_ASSERT_EQUAL(cam_target(&objective), 0);
}

// A layer that nothing behind it counts for has no gradient to show.
static void test_target_of_octave(void)
{
    static const struct {
        const char *layer;
        int targets[3];
    } cases[] = {{"auto", {1, 2, 0}}, {"mixed5", {1, 2, 0}}, {"mixed3", {2, 2, 0}}, {"mixed0", {0, 0, 0}}};
    struct config config;
    struct objective objective;
    config_init(&config);
    UNIT_OK(config_set(&config, "targets=mixed0,mixed5%0..0.4,mixed3%0.5..0.5"));
    UNIT_OK(objective_find_targets(&objective, &config));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int octave = 0; octave < 3; octave++) {
            snprintf(config.cam.layer, sizeof config.cam.layer, "%s", cases[i].layer);
            objective_enter_octave(&objective, octave, 3);
            CU_ASSERT_EQUAL(cam_target(&objective), cases[i].targets[octave]);
        }
}

static const struct unit_test tests[] = {
    {"each method, whole and in tiles", test_methods},
    {"class without a gradient", test_class_without_gradient},
    {"a map of zeros", test_zero_map},
    {"threads", test_threads},
    {"which target", test_target},
    {"which target in which octave", test_target_of_octave},
};
UNIT_MAIN("cam", tests)
