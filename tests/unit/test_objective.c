// SPDX-License-Identifier: MIT
// Losses and their gradients against the definition, channel by channel.
#include "worker/objective.h"

#include <omp.h>

#include "weights_given.h"

static const int WIDTH = 107, HEIGHT = 91;

struct setup {
    struct config config;
    struct prepared *prepared;
    struct executor *executor;
    void *memory;
    float *weights;
    float *activation[CONFIG_TARGETS_MAX]; // planar, as it was after the forward pass
};

static void set_up(struct setup *s, const char *targets, enum config_objective objective)
{
    const struct network *net = network_inception_v3();
    struct plan plan;
    int rows[CONFIG_TARGETS_MAX];
    char setting[256];
    memset(s, 0, sizeof *s);
    config_init(&s->config);
    snprintf(setting, sizeof setting, "targets=%s", targets);
    UNIT_OK(config_set(&s->config, setting));
    s->config.objective = objective;
    for (int t = 0; t < s->config.targets.count; t++)
        rows[t] = network_find(net, s->config.targets.items[t].layer);
    plan_fixed(&plan, net);
    s->weights = weights_random(net, 2);
    UNIT_OK(prepared_create(&s->prepared, net, s->weights));
    UNIT_OK(executor_create(&s->executor, &(struct executor_options){.network = net,
                                                                     .prepared = s->prepared,
                                                                     .plan = &plan,
                                                                     .width = WIDTH,
                                                                     .height = HEIGHT,
                                                                     .target_count = s->config.targets.count,
                                                                     .targets = rows}));
    s->memory = naive_alloc(executor_bytes(s->executor));
    UNIT_OK(executor_bind(s->executor, s->memory));
    naive_fill(executor_image(s->executor), naive_count(3, HEIGHT, WIDTH), 3);
    UNIT_OK(executor_forward(s->executor));
    for (int t = 0; t < s->config.targets.count; t++) {
        const struct tensor a = executor_target(s->executor, t);
        s->activation[t] = naive_alloc(naive_count(a.channels, a.height, a.width) * sizeof(float));
        naive_unblock(a.data, s->activation[t], a.channels, (size_t)a.height * (size_t)a.width, a.block);
    }
}

static void tear_down(struct setup *s)
{
    for (int t = 0; t < s->config.targets.count; t++)
        free(s->activation[t]);
    executor_destroy(&s->executor);
    prepared_destroy(&s->prepared);
    free(s->memory);
    free(s->weights);
}

static bool chosen(const struct config_target *target, int channel)
{
    bool found = target->channel_count == 0;
    for (int k = 0; k < target->channel_count; k++)
        found = found || target->channels[k] == channel;
    return found;
}

static bool close_to(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fabs(b);
}

static void check(const char *targets, enum config_objective objective)
{
    struct setup s;
    double found[CONFIG_TARGETS_MAX], total = 0, *expected[CONFIG_TARGETS_MAX];
    set_up(&s, targets, objective);
    const int count = s.config.targets.count;
    const double loss = objective_loss(&s.config, s.executor, found);
    for (int t = 0; t < count; t++) {
        const struct config_target *target = &s.config.targets.items[t];
        const struct tensor a = executor_target(s.executor, t);
        const size_t positions = (size_t)a.height * (size_t)a.width, values = (size_t)a.channels * positions;
        double sum = 0, n = 0;
        expected[t] = calloc(values, sizeof *expected[t]);
        for (size_t i = 0; i < values; i++)
            if (chosen(target, (int)(i / positions))) {
                const double v = s.activation[t][i];
                sum += objective == OBJECTIVE_MEAN ? v : v * v;
                expected[t][i] = target->weight * (objective == OBJECTIVE_MEAN ? 1 : 2 * v);
                n++;
            }
        for (size_t i = 0; i < values; i++)
            expected[t][i] /= n;
        CU_ASSERT(sum > 0 && close_to(found[t], sum / n));
        total += target->weight * sum / n;
    }
    CU_ASSERT(close_to(loss, total));
    objective_gradient(&s.config, s.executor);
    for (int t = 0; t < count; t++) {
        const struct tensor a = executor_target(s.executor, t);
        const size_t values = naive_count(a.channels, a.height, a.width);
        naive_unblock(a.data, s.activation[t], a.channels, (size_t)a.height * (size_t)a.width, a.block);
        CU_ASSERT(naive_error(s.activation[t], expected[t], values) < 3e-7);
        size_t wrong = 0;
        for (size_t i = 0; i < values; i++)
            wrong += expected[t][i] == 0 && s.activation[t][i] != 0; // channels that were not chosen
        CU_ASSERT_EQUAL(wrong, 0);
        free(expected[t]);
    }
    tear_down(&s);
}

static void test_mean_square(void)
{
    check("mixed3", OBJECTIVE_MEAN_SQUARE);
    check("mixed3:1,mixed5:0.5,conv2d_6:-2", OBJECTIVE_MEAN_SQUARE);
    check("mixed10", OBJECTIVE_MEAN_SQUARE); // the most channels
}

static void test_mean(void)
{
    check("mixed3", OBJECTIVE_MEAN);
    check("mixed3:0.25,mixed5:4", OBJECTIVE_MEAN);
}

static void test_channels(void)
{
    check("mixed3#9", OBJECTIVE_MEAN_SQUARE);
    check("mixed3#0+15+16+767:3,mixed0#240", OBJECTIVE_MEAN_SQUARE);
    check("mixed3#8+500+9:2,mixed0", OBJECTIVE_MEAN);
}

static void test_threads(void)
{
    const int threads = omp_get_max_threads();
    double first = 0, target_loss[CONFIG_TARGETS_MAX];
    struct setup s;
    set_up(&s, "mixed3,mixed5", OBJECTIVE_MEAN_SQUARE);
    for (int n = 1; n <= 4; n++) {
        omp_set_num_threads(n);
        const double loss = objective_loss(&s.config, s.executor, target_loss);
        if (n == 1)
            first = loss;
        CU_ASSERT(memcmp(&loss, &first, sizeof loss) == 0);
    }
    omp_set_num_threads(threads);
    tear_down(&s);
}

static const struct unit_test tests[] = {
    {"mean square", test_mean_square},
    {"mean", test_mean},
    {"channels", test_channels},
    {"threads", test_threads},
};
UNIT_MAIN("objective", tests)
