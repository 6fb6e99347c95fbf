// SPDX-License-Identifier: MIT
// Losses and their gradients against the definition, channel by channel; and shares of tiles that add up to the whole.
#include "worker/network/objective.h"

#include <omp.h>

#include "objective_check.h"
#include "tiling_cases.h"

// 1 where it is raised, -1 where it is lowered, 0 where it is not looked at.
static double sign_of(const struct config_target *target, int channel)
{
    double sign = target->channel_count == 0 && target->lowered_count == 0;
    for (int k = 0; k < target->channel_count; k++)
        sign += target->channels[k] == channel;
    for (int k = 0; k < target->lowered_count; k++)
        sign -= target->lowered[k] == channel;
    return sign;
}

// One target's activation -> its sum and number of values, and the slope of the loss as if the octave had three times as many.
static double *naive_objective(const struct setup *s, int t, const struct tensor *a, const float *activation, double *sum, double *count)
{
    const struct config_target *target = &s->config.targets.items[t];
    const bool mean = s->config.objective == OBJECTIVE_MEAN;
    const double saturation = s->config.saturation;
    const size_t positions = (size_t)a->height * (size_t)a->width, values = (size_t)a->channels * positions;
    double *slope = calloc(values, sizeof *slope);
    *sum = *count = 0;
    for (size_t i = 0; i < values; i++)
        if (sign_of(target, (int)(i / positions)) != 0) {
            const double v = activation[i], sign = sign_of(target, (int)(i / positions)),
                         root = saturation > 0 ? sqrt(1 + pow(v / saturation, 2)) : 1;
            *sum += sign * (mean ? v : saturation > 0 ? 2 * saturation * saturation * (root - 1) : v * v);
            slope[i] = sign * target->weight * (mean ? 1 : 2 * v / root);
            ++*count;
        }
    for (size_t i = 0; i < values; i++)
        slope[i] /= 3 * *count;
    return slope;
}

static void check_saturated(const char *targets, enum config_objective objective, double saturation)
{
    struct seen s;
    double total = 0, *slope[CONFIG_TARGETS_MAX];
    see(&s, targets, objective);
    s.setup.config.saturation = saturation;
    find_loss(&s);
    for (int t = 0; t < s.setup.objective.count; t++) {
        const struct tensor a = executor_target(s.executor, t);
        float *activation = planar_target(s.executor, t);
        double sum, count;
        slope[t] = naive_objective(&s.setup, t, &a, activation, &sum, &count);
        CU_ASSERT_EQUAL(s.view.values[t], count);
        CU_ASSERT(sum != 0 && agrees(s.sums[t], sum) && agrees(s.target_loss[t], sum / count));
        total += s.setup.config.targets.items[t].weight * sum / count;
        s.view.values[t] *= 3;
        free(activation);
    }
    CU_ASSERT(agrees(s.loss, total));
    check_slopes(&s, slope);
    tear_down(&s.setup);
}

static void check(const char *targets, enum config_objective objective)
{
    check_saturated(targets, objective, 0);
}

static void test_saturation(void)
{
    check_saturated("mixed3:1,mixed5:0.5,conv2d_6:-2", OBJECTIVE_MEAN_SQUARE, 2);
    check_saturated("mixed3#0+15-16-767:3,mixed0#-0", OBJECTIVE_MEAN_SQUARE, 0.1);
    check_saturated("mixed10", OBJECTIVE_MEAN_SQUARE, 100);
    check_saturated("mixed3", OBJECTIVE_MEAN, 0.1); // has none
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
    check("mixed3#0+15+16+767:3,mixed0#19", OBJECTIVE_MEAN_SQUARE);
    check("mixed3#8+500+9:2,mixed0", OBJECTIVE_MEAN);
}

static void test_lowered(void)
{
    check("mixed3#-9", OBJECTIVE_MEAN_SQUARE);
    check("mixed3#0+15-16-767:3,mixed0#-0", OBJECTIVE_MEAN_SQUARE);
    check("mixed3#-8+500-9:2,mixed0#1-2:-1", OBJECTIVE_MEAN);
}

// Targets of other octaves: their losses are known, but neither the whole loss nor a slope has them.
static void test_octaves(void)
{
    static const char list[] = "mixed0%0..0.5:2,mixed3%0.5..1:-3,conv2d_6%0.9..1";
    static const bool counts[3][3] = {{true, false, false}, {true, true, false}, {false, true, true}};
    static const double weights[] = {2, -3, 1};
    struct seen s;
    double sums[3], count, *slopes[3];
    see(&s, list, OBJECTIVE_MEAN_SQUARE);
    CU_ASSERT(agrees(s.loss, 2 * s.target_loss[0] - 3 * s.target_loss[1] + s.target_loss[2])); // of no octave: all
    CU_ASSERT_EQUAL(objective_deepest_counting(&s.setup.objective), 1);
    for (int octave = 0; octave < 3; octave++) {
        double total = 0;
        look_at_picture(&s); // the slopes are where the activations were
        objective_enter_octave(&s.setup.objective, octave, 3);
        find_loss(&s);
        for (int t = 0; t < 3; t++) {
            const struct tensor a = executor_target(s.executor, t);
            float *activation = planar_target(s.executor, t);
            slopes[t] = naive_objective(&s.setup, t, &a, activation, &sums[t], &count);
            for (size_t i = 0; i < (size_t)a.channels * positions_of(s.executor, t); i++)
                slopes[t][i] *= counts[octave][t] ? 3 : 0;
            CU_ASSERT(agrees(s.target_loss[t], sums[t] / count));
            total += counts[octave][t] ? weights[t] * sums[t] / count : 0;
            free(activation);
        }
        CU_ASSERT(agrees(s.loss, total));
        CU_ASSERT_EQUAL(objective_deepest_counting(&s.setup.objective), octave == 0 ? 0 : 1);
        check_slopes(&s, slopes);
    }
    objective_enter_octave(&s.setup.objective, 0, 1); // the only one
    find_loss(&s);
    CU_ASSERT(s.setup.objective.target_weights[0] == 2 && s.setup.objective.target_weights[1] == -3);
    for (int t = 0; t < 3; t++)
        s.setup.objective.target_weights[t] = 0;
    CU_ASSERT_EQUAL(objective_deepest_counting(&s.setup.objective), -1);
    tear_down(&s.setup);
}

// What the tiles' windows show where the halo is exact is what the whole shows. Returns how many tiles see something of the first target.
static int check_tiles(const char *targets, enum config_objective objective, int dy, int dx)
{
    const int width = 262, height = 246;
    struct setup s;
    struct config config;
    struct tiling tiling;
    double whole[CONFIG_TARGETS_MAX], part[CONFIG_TARGETS_MAX], sums[CONFIG_TARGETS_MAX] = {0};
    int seeing = 0;
    configure_objective(&config, targets, objective);
    config.tile.halo = TILE_HALO_EXACT;
    config.tile.blend = 8;
    config.tile.size = 216;
    set_up_config(&s, &config);
    UNIT_OK(tiling_create(&tiling, width, height, &s.rules));
    CU_ASSERT(tiling.across.count > 1 && tiling.down.count > 1);
    float *image = naive_random(naive_count(3, height, width), 3);
    const struct tile all = whole_tile(width, height);
    struct objective_view view = objective_view_of(&s, &all, width, height);
    view.dy = dy;
    view.dx = dx;
    UNIT_OK(objective_sums(&s.objective, forward(&s, image, width, height, &all.window), &view, whole));
    for (int i = 0; i < tiling_count(&tiling); i++) {
        const struct tile tile = tiling_tile(&tiling, i);
        view.tile = &tile;
        UNIT_OK(objective_sums(&s.objective, forward(&s, image, width, height, &tile.window), &view, part));
        for (int t = 0; t < s.objective.count; t++)
            sums[t] += part[t];
        seeing += part[0] != 0;
    }
    for (int t = 0; t < s.objective.count; t++)
        CU_ASSERT(whole[t] > 0 && close_to(sums[t], whole[t], 1e-6));
    free(image);
    tear_down(&s);
    return seeing;
}

static void test_tiles(void)
{
    check_tiles("mixed0:1,conv2d_5:2,conv2d_2:-1", OBJECTIVE_MEAN_SQUARE, 0, 0);
    check_tiles("mixed0#3+17+90+91,conv2d_5#5+50", OBJECTIVE_MEAN, 0, 0);
    CU_ASSERT_EQUAL(check_tiles("mixed0@0.62/0.4", OBJECTIVE_MEAN, -19, 40), 1); // the one whose core the neuron lies in
}

// Every position of a target gets its number in the octave, in one channel in ten. Returns the sum of those whose middle lies in the tile's
// core: exact in a double.
static double number_positions(const struct objective *objective, struct executor *executor, int t, const struct tile *tile, int width)
{
    const struct receptive_field *field = &objective->fields[t];
    const struct rectangle *core = &tile->core;
    const struct tensor a = executor_target(executor, t);
    int row, other;
    double sum = 0;
    network_output_size(network_inception_v3(), objective->rows[t], width, width, &row, &other);
    for (int c = 0; c < a.channels; c++)
        for (int i = 0; i < a.height * a.width; i++) {
            const int x = tile->window.x / field->stride + i % a.width, y = tile->window.y / field->stride + i / a.width;
            const int middle_x = x * field->stride + field->centre, middle_y = y * field->stride + field->centre;
            const int number = c % 10 == 0 ? y * row + x + 1 : 0;
            a.data[naive_blocked_index(c, (size_t)i, (size_t)a.height * (size_t)a.width, a.block)] = (float)number;
            if (core->x <= middle_x && middle_x < core->x + core->width && core->y <= middle_y && middle_y < core->y + core->height)
                sum += number;
        }
    return sum;
}

// Sums over a tile of an octave of numbered positions.
static void sum_numbers(struct setup *s, int width, int height, const struct tile *tile, double sums[CONFIG_TARGETS_MAX])
{
    struct executor *executor; // which need not run: what the targets hold is written here
    double expected[CONFIG_TARGETS_MAX];
    UNIT_OK(engine_executor(s->engine, tile->window.width, tile->window.height, &executor));
    for (int t = 0; t < s->objective.count; t++)
        expected[t] = number_positions(&s->objective, executor, t, tile, width);
    const struct objective_view view = objective_view_of(s, tile, width, height);
    UNIT_OK(objective_sums(&s->objective, executor, &view, sums));
    for (int t = 0; t < s->objective.count; t++)
        CU_ASSERT(sums[t] == expected[t]);
}

// Approximate halos, octaves of any size, targets of different strides: each value is counted once, in the tile that it belongs to.
static void test_counted_once(void)
{
    enum { OCTAVES = 12 };
    struct setup s;
    uint32_t state = 1;
    int tiles = 0;
    set_up(&s, "mixed3,conv2d_1,mixed0", OBJECTIVE_MEAN);
    for (int k = 0; k < OCTAVES; k++) {
        struct tile_plan plan;
        struct tiling tiling;
        double part[CONFIG_TARGETS_MAX], sums[CONFIG_TARGETS_MAX] = {0}, whole[CONFIG_TARGETS_MAX];
        s.config.tile.halo = between(&state, 0, 40);
        s.config.tile.blend = between(&state, 0, 20);
        UNIT_OK(tile_rules_resolve(&s.config, UINT64_MAX, &plan));
        plan.rules.size = 2 * plan.rules.halo + between(&state, 100, 150);
        const int width = between(&state, 75, 400), height = between(&state, 75, 400);
        const struct tile all = whole_tile(width, height);
        UNIT_OK(tiling_create(&tiling, width, height, &plan.rules));
        sum_numbers(&s, width, height, &all, whole);
        for (int i = 0; i < tiling_count(&tiling); i++) {
            const struct tile tile = tiling_tile(&tiling, i);
            sum_numbers(&s, width, height, &tile, part);
            for (int t = 0; t < s.objective.count; t++)
                sums[t] += part[t];
        }
        for (int t = 0; t < s.objective.count; t++)
            CU_ASSERT(whole[t] > 0 && sums[t] == whole[t]);
        tiles += tiling_count(&tiling);
    }
    CU_ASSERT(tiles > 3 * OCTAVES);
    tear_down(&s);
}

static void test_threads(void)
{
    const int threads = omp_get_max_threads(), width = 200, height = 150;
    double first[CONFIG_TARGETS_MAX], sums[CONFIG_TARGETS_MAX];
    struct setup s;
    set_up(&s, "mixed3,mixed5", OBJECTIVE_MEAN_SQUARE);
    struct tile tile = whole_tile(width, height);
    tile.core = (struct rectangle){.x = 32, .y = 48, .width = 96, .height = 64};
    struct executor *executor = forward_random(&s, width, height, 3);
    const struct objective_view view = objective_view_of(&s, &tile, width, height);
    for (int n = 1; n <= 4; n++) {
        omp_set_num_threads(n);
        UNIT_OK(objective_sums(&s.objective, executor, &view, n == 1 ? first : sums));
        CU_ASSERT(first[0] > 0 && first[1] > 0);
        CU_ASSERT(n == 1 || memcmp(sums, first, 2 * sizeof *sums) == 0);
    }
    omp_set_num_threads(threads);
    tear_down(&s);
}

static void test_unknown_layer(void)
{
    static const char *const names[] = {"mixed42", "input"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct config config;
        struct objective objective;
        char text[64];
        config_init(&config);
        snprintf(text, sizeof text, "targets=mixed3,%s", names[i]);
        UNIT_OK(config_set(&config, text));
        CU_ASSERT_EQUAL(objective_init(&objective, &config, NULL, 0), STATUS_USAGE);
        snprintf(text, sizeof text, "no layer '%s'", names[i]);
        CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), text));
        objective_destroy(&objective);
    }
}

static const struct unit_test tests[] = {
    {"mean square", test_mean_square},
    {"saturation", test_saturation},
    {"mean", test_mean},
    {"channels", test_channels},
    {"channels that are lowered", test_lowered},
    {"targets of octaves", test_octaves},
    {"tiles add up to the whole", test_tiles},
    {"each value is counted once", test_counted_once},
    {"threads", test_threads},
    {"unknown layer", test_unknown_layer},
};
UNIT_MAIN("objective", tests)
