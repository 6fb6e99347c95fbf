// SPDX-License-Identifier: MIT
// What channels count for, against its definition, and the weights that follow it.
#include "worker/look/importance.h"

#include "features_setup.h"

static void test_definition(void)
{
    static const struct tile_rules *const rules[] = {&ONE_TILE, &SMALL_TILES};
    const int width = 300, height = 260, threads = omp_get_max_threads();
    struct features_setup s;
    features_set_up(&s, "mixed0,conv2d_6:2", width, height, 3);
    for (int t = 0; t < 2; t++) {
        const size_t channels = (size_t)s.targets[t].channels;
        double *expected = calloc(channels, sizeof *expected);
        float *found = naive_alloc(channels * sizeof *found), *again = naive_alloc(channels * sizeof *again);
        naive_importance(&s.targets[t], expected);
        for (int k = 0; k < 2; k++) {
            features_fill(&s, width, height, rules[k]);
            omp_set_num_threads(1);
            UNIT_OK(importance_gradient_activation(&s.features, t, found));
            CU_ASSERT(naive_error(found, expected, channels) < 1e-7); // a float's rounding
            omp_set_num_threads(3);
            UNIT_OK(importance_gradient_activation(&s.features, t, again));
            CU_ASSERT(memcmp(found, again, channels * sizeof *found) == 0);
        }
        free(again);
        free(found);
        free(expected);
    }
    omp_set_num_threads(threads);
    CU_ASSERT(tiling_count(&s.tiling) > 4);
    features_tear_down(&s);
}

static void test_weights(void)
{
    static const double strengths[] = {0, 0.3, 1};
    enum { CHANNELS = 288 };
    float *importance = naive_random(CHANNELS, 4), weights[CHANNELS], base[CHANNELS];
    double sum = 0;
    for (int c = 0; c < CHANNELS; c++)
        base[c] = 1;
    for (int c = 0; c < CHANNELS; c++)
        sum += importance[c] > 0 ? (double)importance[c] : 0;
    for (int k = 0; k < 3; k++) {
        double mean = 0;
        int wrong = 0;
        importance_weights(importance, base, CHANNELS, strengths[k], weights);
        for (int c = 0; c < CHANNELS; c++) {
            const double follow = importance[c] > 0 ? importance[c] * CHANNELS / sum : 0;
            wrong += !(fabs(weights[c] - (1 - strengths[k] + strengths[k] * follow)) < 1e-6);
            mean += (double)weights[c] / CHANNELS;
            wrong += k == 0 && weights[c] != 1; // no strength: as if there were none
            wrong += k == 2 && importance[c] <= 0 && weights[c] != 0;
        }
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT_DOUBLE_EQUAL(mean, 1, 1e-6);
    }
    free(importance);
}

static void test_weights_of_nothing(void)
{
    static const float none[] = {0, -1, -0.5f, 0}, one[] = {0, -1, 2, 0}, all[] = {1, 1, 1, 1};
    float weights[4];
    for (double strength = 0; strength <= 1; strength += 0.25) {
        importance_weights(none, all, 4, strength, weights);
        for (int c = 0; c < 4; c++)
            CU_ASSERT_EQUAL(weights[c], 1);
        importance_weights(one, all, 4, strength, weights);
        CU_ASSERT(weights[2] == (float)(1 + 3 * strength) && weights[0] == (float)(1 - strength) && weights[1] == weights[0]);
    }
}

// Those that are not chosen neither count nor get a weight; a single one keeps its own.
static void test_weights_of_some(void)
{
    static const float importance[] = {5, 1, 3, 9}, two[] = {0, 1, 1, 0}, one[] = {0, 0, -2, 0};
    float weights[4];
    importance_weights(importance, two, 4, 1, weights);
    CU_ASSERT(weights[0] == 0 && weights[1] == 0.5f && weights[2] == 1.5f && weights[3] == 0);
    importance_weights(importance, one, 4, 1, weights);
    CU_ASSERT(weights[0] == 0 && weights[1] == 0 && weights[2] == -2 && weights[3] == 0);
}

// Channels that are lowered count by what they take from the loss; those that add to it nevertheless, by later layers, for nothing.
static void test_weights_of_lowered(void)
{
    static const float importance[] = {6, -2, 2, -1, 3}, base[] = {1, -1, -1, 1, 0}, lowered[] = {0, -1, -1, -1, 0};
    float weights[5];
    importance_weights(importance, base, 5, 1, weights); // 6, 2, 0, 0: their mean is 2
    CU_ASSERT(weights[0] == 3 && weights[1] == -1 && weights[2] == 0 && weights[3] == 0 && weights[4] == 0);
    importance_weights(importance, base, 5, 0.5, weights);
    CU_ASSERT(weights[0] == 2 && weights[1] == -1 && weights[2] == -0.5f && weights[3] == 0.5f && weights[4] == 0);
    importance_weights(importance, lowered, 5, 1, weights); // 2, 0, 1
    CU_ASSERT(weights[0] == 0 && weights[1] == -2 && weights[2] == 0 && weights[3] == -1 && weights[4] == 0);
}

static const struct unit_test tests[] = {
    {"weights of chosen channels", test_weights_of_some},
    {"weights of lowered channels", test_weights_of_lowered},
    {"activation times gradient", test_definition},
    {"weights", test_weights},
    {"weights where nothing counts", test_weights_of_nothing},
};
UNIT_MAIN("importance", tests)
