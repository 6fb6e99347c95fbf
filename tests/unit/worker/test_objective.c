// SPDX-License-Identifier: MIT
// Losses and their gradients against the definition, channel by channel; and shares of tiles that add up to the whole.
#include "worker/network/objective.h"

#include <omp.h>

#include "job/tile_rules.h"
#include "objective_setup.h"
#include "tiling_cases.h"

static const int WIDTH = 107, HEIGHT = 91;

static bool chosen(const struct config_target *target, int channel)
{
    bool found = target->channel_count == 0;
    for (int k = 0; k < target->channel_count; k++)
        found = found || target->channels[k] == channel;
    return found;
}

// One target's activation -> its sum and number of values, and the slope of the loss as if the octave had three times as many.
static double *naive_objective(const struct setup *s, int t, const struct tensor *a, const float *activation, double *sum, double *count)
{
    const struct config_target *target = &s->config.targets.items[t];
    const bool mean = s->config.objective == OBJECTIVE_MEAN;
    const size_t positions = (size_t)a->height * (size_t)a->width, values = (size_t)a->channels * positions;
    double *slope = calloc(values, sizeof *slope);
    *sum = *count = 0;
    for (size_t i = 0; i < values; i++)
        if (chosen(target, (int)(i / positions))) {
            const double v = activation[i];
            *sum += mean ? v : v * v;
            slope[i] = target->weight * (mean ? 1 : 2 * v);
            ++*count;
        }
    for (size_t i = 0; i < values; i++)
        slope[i] /= 3 * *count;
    return slope;
}

static void check(const char *targets, enum config_objective objective)
{
    struct setup s;
    double sums[CONFIG_TARGETS_MAX], found[CONFIG_TARGETS_MAX], total = 0, *slope[CONFIG_TARGETS_MAX];
    set_up(&s, targets, objective);
    const struct tile whole = whole_tile(WIDTH, HEIGHT);
    struct executor *executor = forward_whole(&s, WIDTH, HEIGHT);
    struct objective_view view = objective_view_of(&s, &whole, WIDTH, HEIGHT);
    UNIT_OK(objective_sums(&s.objective, executor, &view, sums));
    const double loss = objective_loss(&s.objective, sums, view.values, found);
    for (int t = 0; t < s.objective.count; t++) {
        const struct tensor a = executor_target(executor, t);
        float *activation = planar_target(executor, t);
        double sum, count;
        slope[t] = naive_objective(&s, t, &a, activation, &sum, &count);
        CU_ASSERT_EQUAL(view.values[t], count);
        CU_ASSERT(sum > 0 && close_to(sums[t], sum) && close_to(found[t], sum / count));
        total += s.config.targets.items[t].weight * sum / count;
        view.values[t] *= 3;
        free(activation);
    }
    CU_ASSERT(close_to(loss, total));
    objective_gradient(&s.objective, executor, &view);
    for (int t = 0; t < s.objective.count; t++) {
        const struct tensor a = executor_target(executor, t);
        const size_t size = naive_count(a.channels, a.height, a.width);
        float *gradient = planar_target(executor, t);
        CU_ASSERT(naive_error(gradient, slope[t], size) < 3e-7);
        size_t wrong = 0;
        for (size_t i = 0; i < size; i++)
            wrong += slope[t][i] == 0 && gradient[i] != 0; // channels that were not chosen
        CU_ASSERT_EQUAL(wrong, 0);
        free(gradient);
        free(slope[t]);
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

// What the tiles' windows show where the halo is exact is what the whole shows.
static void check_tiles(const char *targets, enum config_objective objective, int width, int height, int size)
{
    struct setup s;
    struct tile_plan plan;
    struct tiling tiling;
    double whole[CONFIG_TARGETS_MAX], part[CONFIG_TARGETS_MAX], sums[CONFIG_TARGETS_MAX] = {0};
    set_up(&s, targets, objective);
    s.config.tile.halo = TILE_HALO_EXACT;
    s.config.tile.blend = 8;
    s.config.tile.size = size;
    UNIT_OK(tile_rules_resolve(&s.config, UINT64_MAX, &plan));
    UNIT_OK(tiling_create(&tiling, width, height, &plan.rules));
    CU_ASSERT(tiling.across.count > 1 && tiling.down.count > 1);
    float *image = naive_random(naive_count(3, height, width), 3);
    const struct tile all = whole_tile(width, height);
    struct objective_view view = objective_view_of(&s, &all, width, height);
    UNIT_OK(objective_sums(&s.objective, forward(&s, image, width, height, &all.window), &view, whole));
    for (int i = 0; i < tiling_count(&tiling); i++) {
        const struct tile tile = tiling_tile(&tiling, i);
        view.tile = &tile;
        UNIT_OK(objective_sums(&s.objective, forward(&s, image, width, height, &tile.window), &view, part));
        for (int t = 0; t < s.objective.count; t++)
            sums[t] += part[t];
    }
    for (int t = 0; t < s.objective.count; t++)
        CU_ASSERT(whole[t] > 0 && fabs(sums[t] - whole[t]) <= 1e-6 * whole[t]);
    free(image);
    tear_down(&s);
}

static void test_tiles(void)
{
    check_tiles("mixed1", OBJECTIVE_MEAN_SQUARE, 343, 291, 280);
    check_tiles("mixed2:1,mixed0:2,conv2d_2:-1", OBJECTIVE_MEAN_SQUARE, 355, 346, 330);
    check_tiles("mixed0#3+17+90+91,mixed1#5+100+200+287", OBJECTIVE_MEAN, 350, 262, 260);
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
static void sum_numbers(struct setup *s, const float *image, int width, int height, const struct tile *tile,
                        double sums[CONFIG_TARGETS_MAX])
{
    struct executor *executor = forward(s, image, width, height, &tile->window);
    double expected[CONFIG_TARGETS_MAX];
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
        float *image = naive_random(naive_count(3, height, width), 3);
        sum_numbers(&s, image, width, height, &all, whole);
        for (int i = 0; i < tiling_count(&tiling); i++) {
            const struct tile tile = tiling_tile(&tiling, i);
            sum_numbers(&s, image, width, height, &tile, part);
            for (int t = 0; t < s.objective.count; t++)
                sums[t] += part[t];
        }
        for (int t = 0; t < s.objective.count; t++)
            CU_ASSERT(whole[t] > 0 && sums[t] == whole[t]);
        tiles += tiling_count(&tiling);
        free(image);
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
    struct executor *executor = forward_whole(&s, width, height);
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
    {"mean", test_mean},
    {"channels", test_channels},
    {"tiles add up to the whole", test_tiles},
    {"each value is counted once", test_counted_once},
    {"threads", test_threads},
    {"unknown layer", test_unknown_layer},
};
UNIT_MAIN("objective", tests)
