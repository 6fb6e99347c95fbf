// SPDX-License-Identifier: MIT
// Objectives beside the means of whole layers: channels with weights, single neurons, a class, a guide picture; losses and their slopes
// against the definition.
#include "kernels/network/parameters.h"
#include "worker/network/objective.h"

#include "job/tile_rules.h"
#include "objective_setup.h"

static const int WIDTH = 107, HEIGHT = 91;

static size_t positions_of(const struct tensor *a)
{
    return (size_t)a->height * (size_t)a->width;
}

// slope[c * positions + p] of target t against what objective_gradient() leaves there.
static void check_slope(struct executor *executor, int t, const double *slope)
{
    const struct tensor a = executor_target(executor, t);
    const size_t count = (size_t)a.channels * positions_of(&a);
    float *gradient = planar_target(executor, t);
    size_t wrong = 0;
    CU_ASSERT(naive_error(gradient, slope, count) < 3e-7);
    for (size_t i = 0; i < count; i++)
        wrong += slope[i] == 0 && gradient[i] != 0;
    CU_ASSERT_EQUAL(wrong, 0);
    free(gradient);
}

// As guidance leaves them: the mean is still taken over all channels.
static void check_weights(enum config_objective kind)
{
    struct setup s;
    double sums[CONFIG_TARGETS_MAX], loss[CONFIG_TARGETS_MAX], sum = 0;
    set_up(&s, "mixed0:-0.5", kind);
    naive_fill(s.objective.weights[0], 256, 4);
    const struct tile whole = whole_tile(WIDTH, HEIGHT);
    struct executor *executor = forward_whole(&s, WIDTH, HEIGHT);
    const struct objective_view view = objective_view_of(&s, &whole, WIDTH, HEIGHT);
    const struct tensor a = executor_target(executor, 0);
    const size_t positions = positions_of(&a), count = 256 * positions;
    float *activation = planar_target(executor, 0);
    double *slope = calloc(count, sizeof *slope);
    UNIT_OK(objective_sums(&s.objective, executor, &view, sums));
    for (size_t i = 0; i < count; i++) {
        const double w = s.objective.weights[0][i / positions], v = activation[i];
        sum += kind == OBJECTIVE_MEAN ? w * v : w * v * v;
        slope[i] = -0.5 * (kind == OBJECTIVE_MEAN ? w : 2 * w * v) / (double)count;
    }
    CU_ASSERT(fabs(sums[0] - sum) < 1e-9 * (double)count && view.values[0] == (double)count); // of both signs
    CU_ASSERT(close_to(objective_loss(&s.objective, sums, view.values, loss), -0.5 * sums[0] / (double)count));
    objective_gradient(&s.objective, executor, &view);
    check_slope(executor, 0, slope);
    free(slope);
    free(activation);
    tear_down(&s);
}

static void test_weights(void)
{
    check_weights(OBJECTIVE_MEAN_SQUARE);
    check_weights(OBJECTIVE_MEAN);
}

static void test_class(void)
{
    struct setup s;
    double sums[CONFIG_TARGETS_MAX], found[CONFIG_TARGETS_MAX];
    enum { CLASS = 208, FEATURES = 2048 };
    set_up(&s, "mixed10:2", OBJECTIVE_CLASS); // class 0
    objective_destroy(&s.objective);
    s.config.class = CLASS;
    UNIT_OK(objective_init(&s.objective, &s.config, s.weights, NETWORK_CLASSES_MAX));
    const float *kernel = parameters_top_kernel(network_inception_v3(), s.weights) + CLASS * FEATURES;
    const double bias = parameters_top_bias(network_inception_v3(), s.weights)[CLASS];
    const struct tile whole = whole_tile(WIDTH, HEIGHT);
    struct executor *executor = forward_whole(&s, WIDTH, HEIGHT);
    const struct objective_view view = objective_view_of(&s, &whole, WIDTH, HEIGHT);
    const struct tensor a = executor_target(executor, 0);
    const size_t positions = positions_of(&a), count = FEATURES * positions;
    float *activation = planar_target(executor, 0);
    double *slope = calloc(count, sizeof *slope), logit = bias;
    for (size_t i = 0; i < count; i++) {
        logit += (double)kernel[i / positions] * (double)activation[i] / (double)positions;
        slope[i] = 2 * (double)kernel[i / positions] / (double)positions;
    }
    UNIT_OK(objective_sums(&s.objective, executor, &view, sums));
    const double loss = objective_loss(&s.objective, sums, view.values, found);
    CU_ASSERT(bias != 0 && fabs(logit - bias) > 0.1);
    CU_ASSERT(fabs(found[0] - logit) < 1e-9 && close_to(loss, 2 * found[0]));
    objective_gradient(&s.objective, executor, &view);
    check_slope(executor, 0, slope);
    free(slope);
    free(activation);
    tear_down(&s);
}

static void refuse_class(const char *targets, int class, const float *weights, int classes, const char *message)
{
    char setting[64];
    struct config config;
    struct objective objective;
    config_init(&config);
    snprintf(setting, sizeof setting, "targets=%s", targets);
    UNIT_OK(config_set(&config, setting));
    config.objective = OBJECTIVE_CLASS;
    config.class = class;
    CU_ASSERT_EQUAL(objective_init(&objective, &config, weights, classes), STATUS_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), message));
    objective_destroy(&objective);
}

static void test_class_refused(void)
{
    float *weights = weights_random(network_inception_v3(), 2);
    refuse_class("mixed10", 3, weights, 0, "needs the model file with the top");
    refuse_class("mixed10", 5, weights, 5, "the model knows the classes 0..4, not 5");
    refuse_class("mixed9", 3, weights, 5, "set targets: mixed10");
    refuse_class("mixed10,mixed9", 3, weights, 5, "set targets: mixed10");
    free(weights);
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
    struct setup s;
    double sums[CONFIG_TARGETS_MAX], loss[CONFIG_TARGETS_MAX], sum = 0;
    char targets[256] = "mixed0#0";
    for (int c = STEP; c < CHANNELS; c += STEP)
        snprintf(targets + strlen(targets), sizeof targets - strlen(targets), "+%d", c);
    snprintf(targets + strlen(targets), sizeof targets - strlen(targets), "@%g/%g:3", x, y);
    set_up(&s, targets, OBJECTIVE_MEAN_SQUARE);
    const struct tile whole = whole_tile(WIDTH, HEIGHT);
    struct executor *executor = forward_whole(&s, WIDTH, HEIGHT);
    struct objective_view view = objective_view_of(&s, &whole, WIDTH, HEIGHT);
    const struct tensor a = executor_target(executor, 0);
    const size_t positions = positions_of(&a);
    float *activation = planar_target(executor, 0);
    double *slope = calloc(CHANNELS * positions, sizeof *slope);
    view.dy = dy;
    view.dx = dx;
    const int px = naive_nearest(x, WIDTH, dx, &s.objective.fields[0], a.width);
    const int py = naive_nearest(y, HEIGHT, dy, &s.objective.fields[0], a.height);
    for (int c = 0; c < CHANNELS; c += STEP) {
        const size_t i = (size_t)c * positions + (size_t)py * (size_t)a.width + (size_t)px;
        sum += (double)activation[i] * (double)activation[i];
        slope[i] = 3 * 2 * (double)activation[i] / COUNTED;
    }
    UNIT_OK(objective_sums(&s.objective, executor, &view, sums));
    CU_ASSERT(sum > 0 && close_to(sums[0], sum) && view.values[0] == COUNTED);
    const double total = objective_loss(&s.objective, sums, view.values, loss);
    CU_ASSERT(close_to(total, 3 * loss[0]) && close_to(loss[0], sum / COUNTED));
    objective_gradient(&s.objective, executor, &view);
    check_slope(executor, 0, slope);
    free(slope);
    free(activation);
    tear_down(&s);
}

static void test_place(void)
{
    check_place(0.5, 0.25, 0, 0);
    check_place(0, 1, 0, 0);
    check_place(0.9, 0.1, -30, 25); // over both borders
    check_place(0.3, 0.7, 1000, -1000);
}

// Of all tiles only the one whose core it lies in sees the neuron; together they see what the whole shows.
static void test_place_in_tiles(void)
{
    const int width = 350, height = 262;
    struct setup s;
    struct tile_plan plan;
    struct tiling tiling;
    double whole[CONFIG_TARGETS_MAX], part[CONFIG_TARGETS_MAX], sum = 0;
    int seen = 0;
    set_up(&s, "mixed0@0.62/0.4", OBJECTIVE_MEAN);
    s.config.tile.halo = TILE_HALO_EXACT;
    s.config.tile.blend = 8;
    s.config.tile.size = 260;
    UNIT_OK(tile_rules_resolve(&s.config, UINT64_MAX, &plan));
    UNIT_OK(tiling_create(&tiling, width, height, &plan.rules));
    CU_ASSERT(tiling.across.count > 1 && tiling.down.count > 1);
    float *image = naive_random(naive_count(3, height, width), 3);
    const struct tile all = whole_tile(width, height);
    struct objective_view view = objective_view_of(&s, &all, width, height);
    view.dy = -19;
    view.dx = 40;
    UNIT_OK(objective_sums(&s.objective, forward(&s, image, width, height, &all.window), &view, whole));
    for (int i = 0; i < tiling_count(&tiling); i++) {
        const struct tile tile = tiling_tile(&tiling, i);
        view.tile = &tile;
        UNIT_OK(objective_sums(&s.objective, forward(&s, image, width, height, &tile.window), &view, part));
        seen += part[0] != 0;
        sum += part[0];
    }
    CU_ASSERT(whole[0] > 0 && fabs(sum - whole[0]) <= 1e-6 * whole[0]);
    CU_ASSERT_EQUAL(seen, 1);
    free(image);
    tear_down(&s);
}

// The guide is another picture, of another size, through the same network.
static void test_guide(void)
{
    struct setup s;
    double sums[CONFIG_TARGETS_MAX], loss[CONFIG_TARGETS_MAX], total = 0;
    set_up(&s, "mixed0:2,conv2d_5:-1", OBJECTIVE_GUIDE);
    const struct tile guide_tile = whole_tile(83, 99), whole = whole_tile(WIDTH, HEIGHT);
    float *picture = naive_random(naive_count(3, 99, 83), 12), *guides[2];
    size_t guide_positions[2];
    struct executor *executor = forward(&s, picture, 83, 99, &guide_tile.window);
    for (int t = 0; t < 2; t++) {
        const struct tensor a = executor_target(executor, t);
        guides[t] = planar_target(executor, t);
        guide_positions[t] = positions_of(&a);
    }
    UNIT_OK(objective_set_guide(&s.objective, executor));
    executor = forward_whole(&s, WIDTH, HEIGHT);
    const struct objective_view view = objective_view_of(&s, &whole, WIDTH, HEIGHT);
    double *slopes[2];
    UNIT_OK(objective_sums(&s.objective, executor, &view, sums));
    for (int t = 0; t < 2; t++) {
        const struct tensor a = executor_target(executor, t);
        const size_t positions = positions_of(&a), channels = (size_t)a.channels;
        float *activation = planar_target(executor, t);
        double sum = 0;
        slopes[t] = calloc(channels * positions, sizeof **slopes);
        for (size_t p = 0; p < positions; p++) {
            double most = -INFINITY;
            size_t best = 0;
            for (size_t q = 0; q < guide_positions[t]; q++) {
                double dot = 0;
                for (size_t c = 0; c < channels; c++)
                    dot += (double)activation[c * positions + p] * (double)guides[t][c * guide_positions[t] + q];
                best = dot > most ? q : best;
                most = fmax(most, dot);
            }
            sum += most;
            for (size_t c = 0; c < channels; c++)
                slopes[t][c * positions + p] =
                    s.config.targets.items[t].weight * (double)guides[t][c * guide_positions[t] + best] / (double)(positions * channels);
        }
        CU_ASSERT(sum > 0 && fabs(sums[t] - sum) <= 1e-6 * sum);
        CU_ASSERT_EQUAL(view.values[t], (double)(positions * channels));
        total += s.config.targets.items[t].weight * sum / view.values[t];
        free(activation);
    }
    CU_ASSERT(fabs(objective_loss(&s.objective, sums, view.values, loss) - total) <= 1e-6 * fabs(total));
    objective_gradient(&s.objective, executor, &view);
    for (int t = 0; t < 2; t++) {
        check_slope(executor, t, slopes[t]);
        free(slopes[t]);
        free(guides[t]);
    }
    free(picture);
    tear_down(&s);
}

static const struct unit_test tests[] = {
    {"weights of channels", test_weights},
    {"a class", test_class},
    {"classes that are refused", test_class_refused},
    {"a neuron's place", test_place},
    {"a neuron in tiles", test_place_in_tiles},
    {"a guide", test_guide},
};
UNIT_MAIN("objective_kinds", tests)
