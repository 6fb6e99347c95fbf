// SPDX-License-Identifier: MIT
// Objectives beside the means of whole layers: channels with weights, single neurons, a class, a guide picture; losses and their slopes
// against the definition.
#include "objective_check.h"

// As guidance leaves them: the mean is still taken over all channels.
static void check_weights(enum config_objective kind)
{
    struct seen s;
    double sum = 0;
    set_up(&s.setup, "mixed0:-0.5", kind);
    float *weights = s.setup.objective.weights[0];
    naive_fill(weights, 256, 4);
    look_at_picture(&s);
    const size_t positions = positions_of(s.executor, 0), count = 256 * positions;
    float *activation = planar_target(s.executor, 0);
    double *slope = calloc(count, sizeof *slope);
    for (size_t i = 0; i < count; i++) {
        const double w = weights[i / positions], v = activation[i];
        sum += kind == OBJECTIVE_MEAN ? w * v : w * v * v;
        slope[i] = -0.5 * (kind == OBJECTIVE_MEAN ? w : 2 * w * v) / (double)count;
    }
    CU_ASSERT(fabs(s.sums[0] - sum) < 1e-9 * (double)count && s.view.values[0] == (double)count); // of both signs
    CU_ASSERT(agrees(s.loss, -0.5 * s.sums[0] / (double)count));
    check_slopes(&s, &slope);
    free(activation);
    tear_down(&s.setup);
}

static void test_weights(void)
{
    check_weights(OBJECTIVE_MEAN_SQUARE);
    check_weights(OBJECTIVE_MEAN);
}

static void test_class(void)
{
    enum { CLASS = 208, FEATURES = 2048 };
    struct seen s;
    struct config config;
    configure_objective(&config, "mixed10:2", OBJECTIVE_CLASS);
    snprintf(config.class, sizeof config.class, "%d", CLASS);
    set_up_config(&s.setup, &config);
    look_at_picture(&s);
    const float *kernel = parameters_top_kernel(network_inception_v3(), setup_weights()) + CLASS * FEATURES;
    const double bias = parameters_top_bias(network_inception_v3(), setup_weights())[CLASS];
    const size_t positions = positions_of(s.executor, 0), count = FEATURES * positions;
    float *activation = planar_target(s.executor, 0);
    double *slope = calloc(count, sizeof *slope), logit = bias;
    for (size_t i = 0; i < count; i++) {
        logit += (double)kernel[i / positions] * (double)activation[i] / (double)positions;
        slope[i] = 2 * (double)kernel[i / positions] / (double)positions;
    }
    CU_ASSERT(bias != 0 && fabs(logit - bias) > 0.1);
    CU_ASSERT(fabs(s.target_loss[0] - logit) < 1e-9 && agrees(s.loss, 2 * s.target_loss[0]));
    check_slopes(&s, &slope);
    free(activation);
    tear_down(&s.setup);
}

static void refuse_class(const char *targets, int class, int classes, const char *message)
{
    struct config config;
    struct objective objective;
    configure_objective(&config, targets, OBJECTIVE_CLASS);
    snprintf(config.class, sizeof config.class, "%d", class);
    CU_ASSERT_EQUAL(objective_init(&objective, &config, setup_weights(), classes), STATUS_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), message));
    objective_destroy(&objective);
}

static void test_class_refused(void)
{
    refuse_class("mixed10", 3, 0, "needs a model file with the classifier");
    refuse_class("mixed10", 5, 5, "the model knows the classes 0..4, not 5");
    refuse_class("mixed9", 3, 5, "set targets: mixed10");
    refuse_class("mixed10,mixed9", 3, 5, "set targets: mixed10");
}

static int rolled(int pixel, int by, int size)
{
    return ((pixel + by) % size + size) % size;
}

// Along one direction: the position whose middle is nearest to where the place lies after the roll; of two as near, the latter.
static int naive_nearest(double place, int size, int roll, const struct receptive_field *field, int count)
{
    const int pixel = rolled(place >= 1 ? size - 1 : (int)(place * size), roll, size);
    int best = 0;
    for (int i = 1; i < count; i++)
        if (abs(field->centre + i * field->stride - pixel) <= abs(field->centre + best * field->stride - pixel))
            best = i;
    return best;
}

// One neuron of every fifth channel, in an octave that is rolled.
static void check_place(double x, double y, int dy, int dx)
{
    enum { CHANNELS = 256, STEP = 5, COUNTED = (CHANNELS + STEP - 1) / STEP };
    struct seen s;
    double sum = 0;
    char targets[256] = "mixed0#0";
    for (int c = STEP; c < CHANNELS; c += STEP)
        snprintf(targets + strlen(targets), sizeof targets - strlen(targets), "+%d", c);
    snprintf(targets + strlen(targets), sizeof targets - strlen(targets), "@%g/%g:3", x, y);
    see(&s, targets, OBJECTIVE_MEAN_SQUARE);
    s.view.dy = dy;
    s.view.dx = dx;
    find_loss(&s);
    const struct tensor a = executor_target(s.executor, 0);
    const size_t positions = positions_of(s.executor, 0);
    float *activation = planar_target(s.executor, 0);
    double *slope = calloc(CHANNELS * positions, sizeof *slope);
    const int px = naive_nearest(x, WIDTH, dx, &s.setup.objective.fields[0], a.width);
    const int py = naive_nearest(y, HEIGHT, dy, &s.setup.objective.fields[0], a.height);
    for (int c = 0; c < CHANNELS; c += STEP) {
        const size_t i = (size_t)c * positions + (size_t)py * (size_t)a.width + (size_t)px;
        sum += (double)activation[i] * (double)activation[i];
        slope[i] = 3 * 2 * (double)activation[i] / COUNTED;
    }
    CU_ASSERT(sum > 0 && agrees(s.sums[0], sum) && s.view.values[0] == COUNTED);
    CU_ASSERT(agrees(s.loss, 3 * s.target_loss[0]) && agrees(s.target_loss[0], sum / COUNTED));
    check_slopes(&s, &slope);
    free(activation);
    tear_down(&s.setup);
}

static void test_place(void)
{
    check_place(0.5, 0.25, 0, 0);
    check_place(0, 1, 0, 0);
    check_place(0.9, 0.1, -30, 25); // over both borders
    check_place(0.3, 0.7, 1000, -1000);
}

// One target against the definition: sum of the largest dot products, and the slopes.
static double *naive_likeness(const struct seen *s, int t, const float *guide, size_t guide_positions, double *sum)
{
    const size_t positions = positions_of(s->executor, t), channels = (size_t)executor_target(s->executor, t).channels;
    float *activation = planar_target(s->executor, t);
    double *slope = calloc(channels * positions, sizeof *slope);
    *sum = 0;
    for (size_t p = 0; p < positions; p++) {
        double most = -INFINITY;
        size_t best = 0;
        for (size_t q = 0; q < guide_positions; q++) {
            double dot = 0;
            for (size_t c = 0; c < channels; c++)
                dot += (double)activation[c * positions + p] * (double)guide[c * guide_positions + q];
            best = dot > most ? q : best;
            most = fmax(most, dot);
        }
        *sum += most;
        for (size_t c = 0; c < channels; c++)
            slope[c * positions + p] =
                s->setup.config.targets.items[t].weight * (double)guide[c * guide_positions + best] / (double)(positions * channels);
    }
    free(activation);
    return slope;
}

// The guide is another picture, of another size, through the same network.
static void test_guide(void)
{
    struct seen s;
    double total = 0, *slopes[2];
    float *guides[2];
    size_t guide_positions[2];
    set_up(&s.setup, "mixed0:2,conv2d_5:-1", OBJECTIVE_GUIDE);
    struct executor *executor = show_guide(&s.setup, 83, 99);
    for (int t = 0; t < 2; t++) {
        guides[t] = planar_target(executor, t);
        guide_positions[t] = positions_of(executor, t);
    }
    look_at_picture(&s);
    for (int t = 0; t < 2; t++) {
        double sum;
        slopes[t] = naive_likeness(&s, t, guides[t], guide_positions[t], &sum);
        CU_ASSERT(sum > 0 && close_to(s.sums[t], sum, 1e-6));
        CU_ASSERT_EQUAL(s.view.values[t], (double)positions_of(s.executor, t) * executor_target(s.executor, t).channels);
        total += s.setup.config.targets.items[t].weight * sum / s.view.values[t];
        free(guides[t]);
    }
    CU_ASSERT(close_to(s.loss, total, 1e-6));
    check_slopes(&s, slopes);
    tear_down(&s.setup);
}

static const struct unit_test tests[] = {
    {"weights of channels", test_weights}, {"a class", test_class}, {"classes that are refused", test_class_refused},
    {"a neuron's place", test_place},      {"a guide", test_guide},
};
UNIT_MAIN("objective_kinds", tests)
