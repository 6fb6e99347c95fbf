// SPDX-License-Identifier: MIT
// Metrics against their definitions; answers that are known; in tiles and with several threads the same.
#include "worker/look/metrics.h"

#include "features_setup.h"

enum { WIDTH = 300, HEIGHT = 260 };
static const double THRESHOLD = 0.3, LOSSES[] = {-7, 3};

static void check_close(const struct target_metrics *found, const struct target_metrics *expected, double limit)
{
    CU_ASSERT(features_close(found->score, expected->score, limit));
    CU_ASSERT(features_close(found->sparsity, expected->sparsity, limit));
    CU_ASSERT(features_close(found->hoyer, expected->hoyer, limit));
    CU_ASSERT(features_close(found->diversity, expected->diversity, limit));
    CU_ASSERT(features_close(found->diversity_seed, expected->diversity_seed, limit));
    CU_ASSERT_EQUAL(found->loss, expected->loss);
}

static void measure(struct features_setup *s, const struct tile_rules *rules, struct target_metrics metrics[CONFIG_TARGETS_MAX])
{
    s->config.metrics.threshold = THRESHOLD;
    features_fill(s, WIDTH, HEIGHT, rules);
    UNIT_OK(metrics_measure(&s->features, LOSSES, metrics));
}

static void check_definition(struct features_setup *s)
{
    struct target_metrics whole[CONFIG_TARGETS_MAX], tiled[CONFIG_TARGETS_MAX], expected[CONFIG_TARGETS_MAX];
    measure(s, &ONE_TILE, whole);
    measure(s, &SMALL_TILES, tiled);
    CU_ASSERT(tiling_count(&s->tiling) > 4);
    for (int t = 0; t < s->objective.count; t++) {
        naive_metrics(&s->targets[t], THRESHOLD, &expected[t]);
        expected[t].loss = LOSSES[t];
        check_close(&whole[t], &expected[t], 1e-9);
        check_close(&tiled[t], &expected[t], 1e-9);
    }
}

static void test_definition(void)
{
    struct features_setup s;
    features_set_up(&s, "mixed0,conv2d_6:2", WIDTH, HEIGHT, 0);
    check_definition(&s);
    CU_ASSERT(s.timing.phases[PHASE_ATTRIBUTION].count > 0);
    features_tear_down(&s);
}

static void scale_channel(struct features_setup *s, int channel, float by)
{
    const size_t positions = naive_positions(&s->targets[0]);
    for (size_t p = 0; p < positions; p++)
        s->activations[0][(size_t)channel * positions + p] *= by;
}

// Silent channels are left out of the diversity; loud and faint ones count the same.
static void test_silent_channels(void)
{
    struct features_setup s;
    struct target_metrics metrics[CONFIG_TARGETS_MAX];
    features_set_up(&s, "conv2d_6", WIDTH, HEIGHT, 0);
    naive_metrics(&s.targets[0], THRESHOLD, &metrics[0]);
    const int channels = s.targets[0].channels;
    const double before = metrics[0].diversity;
    for (int c = 0; c < channels; c += 3)
        scale_channel(&s, c, c % 2 ? 0 : c % 4 ? 1e-12f : 1000);
    check_definition(&s);
    naive_metrics(&s.targets[0], THRESHOLD, &metrics[0]);
    CU_ASSERT(fabs(metrics[0].diversity - before) < 0.05); // of random channels
    for (int c = 2; c < channels; c++)
        scale_channel(&s, c, 0);
    check_definition(&s); // two left
    scale_channel(&s, 1, 0);
    check_definition(&s); // one left, no pair
    measure(&s, &SMALL_TILES, metrics);
    CU_ASSERT(isnan(metrics[0].diversity) && metrics[0].score > 0);
    features_tear_down(&s);
}

static void test_known_answers(void)
{
    struct features_setup s;
    struct target_metrics metrics[CONFIG_TARGETS_MAX];
    features_set_up(&s, "conv2d_6", WIDTH, HEIGHT, 0);
    const size_t count = (size_t)s.targets[0].channels * naive_positions(&s.targets[0]);
    for (size_t i = 0; i < count; i++)
        s.activations[0][i] = 0;
    measure(&s, &SMALL_TILES, metrics);
    CU_ASSERT(metrics[0].score == 0 && metrics[0].sparsity == 1 && metrics[0].diversity_seed == 1);
    CU_ASSERT(isnan(metrics[0].hoyer) && isnan(metrics[0].diversity));
    s.activations[0][count / 2] = 3; // a single one
    measure(&s, &SMALL_TILES, metrics);
    CU_ASSERT_EQUAL(metrics[0].hoyer, 1);
    CU_ASSERT_EQUAL(metrics[0].score, 3 / (double)count);
    CU_ASSERT_EQUAL(metrics[0].sparsity, 1 - 1 / (double)count);
    CU_ASSERT_EQUAL(metrics[0].diversity_seed, -8);
    for (size_t i = 0; i < count; i++)
        s.activations[0][i] = 0.5f;
    measure(&s, &SMALL_TILES, metrics);
    CU_ASSERT_DOUBLE_EQUAL(metrics[0].hoyer, 0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(metrics[0].diversity, 0, 1e-12);
    CU_ASSERT(metrics[0].score == 0.5 && metrics[0].sparsity == 0);
    // Every channel alone with a position of its own: no two are alike.
    const size_t positions = naive_positions(&s.targets[0]);
    CU_ASSERT_FATAL(positions >= (size_t)s.targets[0].channels);
    for (size_t i = 0; i < count; i++)
        s.activations[0][i] = i / positions == i % positions ? 2 : 0;
    measure(&s, &SMALL_TILES, metrics);
    CU_ASSERT_DOUBLE_EQUAL(metrics[0].diversity, 1, 1e-12);
    features_tear_down(&s);
}

static void test_threads(void)
{
    const int threads = omp_get_max_threads();
    struct features_setup s;
    struct target_metrics first[CONFIG_TARGETS_MAX], again[CONFIG_TARGETS_MAX];
    features_set_up(&s, "mixed0,conv2d_6", WIDTH, HEIGHT, 0);
    for (int n = 1; n <= 4; n++) {
        omp_set_num_threads(n);
        measure(&s, &SMALL_TILES, n == 1 ? first : again);
        CU_ASSERT(n == 1 || memcmp(first, again, 2 * sizeof *first) == 0);
    }
    omp_set_num_threads(threads);
    features_tear_down(&s);
}

static const struct unit_test tests[] = {
    {"the definition, whole and in tiles", test_definition},
    {"silent channels", test_silent_channels},
    {"known answers", test_known_answers},
    {"threads", test_threads},
};
UNIT_MAIN("metrics", tests)
