// SPDX-License-Identifier: MIT
// Weights of channels against what they usually answer, by the formula in balance.h.
#include "worker/network/balance.h"

#include "job_setup.h"
#include "kernels/network/statistics.h"

static void naive(const float *base, const double *usual, int channels, double strength, double *weights)
{
    double mean = 0, scale = 0;
    int counted = 0;
    for (int c = 0; c < channels; c++)
        counted += base[c] != 0;
    for (int c = 0; c < channels; c++)
        mean += base[c] != 0 ? usual[c] / counted : 0;
    for (int c = 0; c < channels; c++) {
        weights[c] = pow(mean / (usual[c] > mean / 100 ? usual[c] : mean / 100), strength);
        scale += base[c] != 0 ? weights[c] / counted : 0;
    }
    for (int c = 0; c < channels; c++)
        weights[c] *= base[c] / scale;
}

static void test_formula(void)
{
    enum { CHANNELS = 40 };
    static const double strengths[] = {0, 0.3, 0.5, 1};
    float usual[CHANNELS], base[CHANNELS], weights[CHANNELS];
    double wide[CHANNELS], wanted[CHANNELS];
    for (int c = 0; c < CHANNELS; c++) {
        usual[c] = c % 5 == 0 ? 0 : 1.0f / (float)(1 + c * c); // silent ones, and some below a hundredth of the mean
        wide[c] = usual[c];
    }
    for (int kind = 0; kind < 3; kind++) // all, some, some of them lowered
        for (int k = 0; k < 4; k++) {
            int wrong = 0;
            double sum = 0;
            for (int c = 0; c < CHANNELS; c++)
                weights[c] = base[c] = kind == 0 ? 1 : c % 3 == 0 ? 0 : kind == 2 && c % 2 ? -1 : 1;
            balance_weights(weights, usual, CHANNELS, strengths[k]);
            naive(base, wide, CHANNELS, strengths[k], wanted);
            for (int c = 0; c < CHANNELS; c++) {
                wrong += !close_to(weights[c], wanted[c], 1e-6) || (weights[c] > 0) != (base[c] > 0);
                wrong += k == 0 && weights[c] != base[c];
                sum += fabs((double)weights[c]);
            }
            CU_ASSERT_EQUAL(wrong, 0);
            CU_ASSERT(close_to(sum, kind == 0 ? CHANNELS : 26, 1e-6)); // 1 in the mean over those that are chosen
        }
}

static void test_nothing(void)
{
    static const float silent[3] = {0, 0, 0}, usual[3] = {1, 2, 4};
    float weights[3] = {1, -1, 0}, none[3] = {0, 0, 0};
    balance_weights(weights, silent, 3, 1);
    CU_ASSERT(weights[0] == 1 && weights[1] == -1 && weights[2] == 0);
    balance_weights(none, usual, 3, 1);
    CU_ASSERT(none[0] == 0 && none[1] == 0 && none[2] == 0);
    float one[3] = {0, 0, 1};
    balance_weights(one, usual, 3, 1);
    CU_ASSERT(one[0] == 0 && one[2] == 1);
}

static float *some_statistics(void)
{
    const size_t count = statistics_count(network_inception_v3());
    float *statistics = naive_random(count, 8);
    for (size_t i = 0; i < count; i++)
        statistics[i] = fabsf(statistics[i]) + 0.1f;
    return statistics;
}

// Which statistic counts follows from the objective; channels that a picture chooses wait for it; the others have no weights of channels.
static void test_objectives(void)
{
    static const enum config_objective objectives[] = {OBJECTIVE_MEAN_SQUARE, OBJECTIVE_MEAN, OBJECTIVE_CLASS};
    float *statistics = some_statistics();
    for (int i = 0; i < 3; i++) {
        struct config config;
        struct setup s;
        const bool class = objectives[i] == OBJECTIVE_CLASS;
        configure_objective(&config, class ? "mixed10" : "mixed0,mixed1#auto4,mixed2#7+9", objectives[i]);
        config.balance = 0.5;
        set_up_config(&s, &config);
        float *before = naive_alloc((size_t)s.objective.channels[0] * sizeof *before);
        memcpy(before, s.objective.weights[0], (size_t)s.objective.channels[0] * sizeof *before);
        balance_objective(&s.objective, NULL);
        CU_ASSERT(memcmp(before, s.objective.weights[0], (size_t)s.objective.channels[0] * sizeof *before) == 0);
        balance_objective(&s.objective, statistics);
        if (!class)
            balance_weights(
                before, statistics + statistics_start(network_inception_v3(), s.objective.rows[0], i ? CHANNEL_MEAN : CHANNEL_MEAN_SQUARE),
                256, 0.5);
        CU_ASSERT(memcmp(before, s.objective.weights[0], (size_t)s.objective.channels[0] * sizeof *before) == 0);
        for (int c = 0; c < 288 && !class; c++) {
            CU_ASSERT_EQUAL(s.objective.weights[1][c], 1);
            CU_ASSERT_EQUAL(s.objective.weights[2][c] != 0, c == 7 || c == 9);
        }
        if (!class)
            CU_ASSERT(close_to((double)s.objective.weights[2][7] + (double)s.objective.weights[2][9], 2, 1e-6));
        free(before);
        tear_down(&s);
    }
    free(statistics);
}

static const struct unit_test tests[] = {
    {"the formula", test_formula},
    {"where there is nothing to weigh", test_nothing},
    {"objectives", test_objectives},
};
UNIT_MAIN("balance", tests)
