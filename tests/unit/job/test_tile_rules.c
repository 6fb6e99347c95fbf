// SPDX-License-Identifier: MIT
// From settings to tiles: halos for each layer, sizes for each amount of memory, and what any of them must be good for.
#include "job/tile_rules.h"

#include "common/picture/geometry.h"
#include "tiling_cases.h"
#include "worker/network/engine.h"

enum { SIZE_STEP = 128, RANDOM_RULES = 400, RANDOM_OCTAVES = 100 };

// tile.halo=auto is a quarter of the receptive field to the nearest stride, at least 64 and two blends.
static const struct layer_case {
    const char *name;
    int size, stride; // of its receptive field
    int halo;         // auto, for a blend of 32
} layers[] = {
    {"mixed0", 63, 8, 64},     {"mixed1", 95, 8, 64},     {"mixed2", 127, 8, 64},     {"mixed3", 159, 16, 64},
    {"mixed4", 351, 16, 80},   {"mixed5", 543, 16, 128},  {"mixed6", 735, 16, 176},   {"mixed7", 927, 16, 224},
    {"mixed8", 1055, 32, 256}, {"mixed9", 1183, 32, 288}, {"mixed10", 1311, 32, 320},
};
enum { LAYERS = sizeof layers / sizeof layers[0] };

static void configure(struct config *config, const char *targets)
{
    char setting[256];
    config_init(config);
    snprintf(setting, sizeof setting, "targets=%s", targets);
    UNIT_OK(config_set(config, setting));
}

static struct tile_plan resolve(const struct config *config, uint64_t memory)
{
    struct tile_plan plan;
    memset(&plan, 0x55, sizeof plan);
    UNIT_OK(tile_rules_resolve(config, memory, &plan));
    CU_ASSERT_EQUAL(plan.rules.blend, config->tile.blend);
    CU_ASSERT(plan.rules.halo % plan.rules.stride == 0 && plan.rules.halo >= plan.rules.blend);
    return plan;
}

static int round_up(int value, int multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

static void test_halo_auto(void)
{
    for (int i = 0; i < LAYERS; i++) {
        struct config config;
        configure(&config, layers[i].name);
        const struct tile_plan plan = resolve(&config, UINT64_MAX);
        CU_ASSERT_EQUAL(plan.rules.halo, layers[i].halo);
        CU_ASSERT_EQUAL(plan.rules.stride, layers[i].stride);
        CU_ASSERT_EQUAL(plan.rules.size, 2048);
        CU_ASSERT_FALSE(plan.exact);
    }
}

static void test_halo_exact(void)
{
    static const int blends[] = {0, 1, 32, 100, 1024};
    for (int i = 0; i < LAYERS; i++)
        for (size_t k = 0; k < sizeof blends / sizeof blends[0]; k++) {
            struct config config;
            configure(&config, layers[i].name);
            config.tile.halo = TILE_HALO_EXACT;
            config.tile.blend = blends[k];
            const struct tile_plan plan = resolve(&config, UINT64_MAX);
            CU_ASSERT_EQUAL(plan.rules.halo, round_up(layers[i].size - 1 + blends[k], layers[i].stride));
            CU_ASSERT_EQUAL(plan.rules.stride, layers[i].stride);
            CU_ASSERT(plan.rules.size >= 2048 && plan.rules.size >= 4 * plan.rules.halo); // or next to nothing of a window counts
            CU_ASSERT_TRUE(plan.exact);
        }
}

static void test_halo_pixels(void)
{
    for (int i = 0; i < LAYERS; i++) {
        const int exact = layers[i].size - 1 + 32, whole = round_up(exact, layers[i].stride);
        struct config config;
        configure(&config, layers[i].name);
        for (config.tile.halo = 0; config.tile.halo <= 1500; config.tile.halo += 1500 / unit_cases(214, 30)) {
            const struct tile_plan plan = resolve(&config, UINT64_MAX);
            const int asked = config.tile.halo, halo = plan.rules.halo;
            if (asked >= 40) // less is not always enough, see below
                CU_ASSERT_EQUAL(halo, asked > exact ? whole : round_up(asked, layers[i].stride));
            CU_ASSERT(halo >= (asked < whole ? asked : whole) && halo <= whole);
            CU_ASSERT_EQUAL(plan.exact, halo >= exact);
        }
    }
}

// Even where none is wanted, and windows are not blended, the first position of a window has its middle within the halo.
static void test_halo_least(void)
{
    const struct network *network = network_inception_v3();
    for (int i = 0; i < LAYERS; i++) {
        const struct receptive_field field = network_receptive_field(network, network_find(network, layers[i].name));
        struct config config;
        configure(&config, layers[i].name);
        config.tile.blend = config.tile.halo = 0;
        const struct tile_plan plan = resolve(&config, UINT64_MAX);
        CU_ASSERT(plan.rules.halo >= field.centre && 2 * plan.rules.halo + field.stride >= GEOMETRY_MIN_SIDE);
    }
}

// The deepest target decides; one that sees less changes nothing, in whichever place it stands.
static void test_deepest_target(void)
{
    static const char *const same[][2] = {
        {"mixed3", "mixed3:1,mixed0:-1"}, {"mixed3", "conv2d_1,mixed3"}, {"mixed9", "mixed2,mixed9,mixed4"}};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        for (int halo = TILE_HALO_EXACT; halo <= TILE_HALO_AUTO; halo++) {
            struct tile_plan plans[2];
            for (int k = 0; k < 2; k++) {
                struct config config;
                configure(&config, same[i][k]);
                config.tile.halo = halo;
                plans[k] = resolve(&config, UINT64_MAX);
            }
            CU_ASSERT_EQUAL(plans[0].rules.halo, plans[1].rules.halo);
            CU_ASSERT_EQUAL(plans[0].rules.stride, plans[1].rules.stride);
            CU_ASSERT_EQUAL(plans[0].exact, plans[1].exact);
        }
}

static size_t estimate(const struct config *config, int size)
{
    struct objective objective;
    size_t bytes;
    UNIT_OK(objective_find_targets(&objective, config));
    UNIT_OK(engine_estimate(&objective, size, size, engine_bf16(config), &bytes));
    return bytes;
}

// The largest size, in steps, whose memory is half of the limit, down to one that cuts any octave.
static void check_size_auto(enum config_precision precision)
{
    struct config config;
    configure(&config, "mixed3,mixed5");
    config.precision = precision;
    const struct tile_plan most = resolve(&config, UINT64_MAX);
    CU_ASSERT_FALSE(most.limited);
    CU_ASSERT_DOUBLE_EQUAL(most.window_bytes * 2048 * 2048 / (double)estimate(&config, 2048), 1, 1e-12);
    const struct tile_plan least = resolve(&config, 0);
    CU_ASSERT_TRUE(least.limited);
    CU_ASSERT(least.rules.size > 2 * least.rules.halo && least.rules.size <= 4 * least.rules.halo);
    int shrunk = 0, before = most.rules.size;
    for (uint64_t memory = 2 * estimate(&config, 2048); memory > 1; memory -= memory / (uint64_t)unit_cases(16, 4) + 1) {
        const struct tile_plan plan = resolve(&config, memory);
        const int size = plan.rules.size;
        CU_ASSERT(size <= before && size >= least.rules.size && (most.rules.size - size) % SIZE_STEP == 0);
        CU_ASSERT(estimate(&config, size) <= memory / 2 || size == least.rules.size);
        CU_ASSERT(size == most.rules.size || estimate(&config, size + SIZE_STEP) > memory / 2);
        CU_ASSERT_EQUAL(plan.limited, size < most.rules.size);
        CU_ASSERT_EQUAL(plan.rules.halo, most.rules.halo); // what the tiles show does not depend on memory, only how many there are
        CU_ASSERT_DOUBLE_EQUAL(plan.window_bytes * size * size / (double)estimate(&config, size), 1, 1e-12);
        shrunk += size < before;
        before = size;
    }
    CU_ASSERT(shrunk > 5 && before == least.rules.size);
}

static void test_size_auto(void)
{
    for (enum config_precision precision = PRECISION_AUTO; precision <= PRECISION_BF16; precision++)
        check_size_auto(precision);
}

static void test_size_given(void)
{
    struct config config;
    struct tiling tiling;
    configure(&config, "mixed10");
    for (config.tile.size = 75; config.tile.size < 5000; config.tile.size += 1231) {
        const struct tile_plan plan = resolve(&config, 1);
        CU_ASSERT_EQUAL(plan.rules.size, config.tile.size);
        CU_ASSERT_FALSE(plan.limited); // by whoever set it
        CU_ASSERT_DOUBLE_EQUAL(plan.window_bytes * config.tile.size * config.tile.size / (double)estimate(&config, config.tile.size), 1,
                               1e-12);
    }
    config.tile.size = 75;
    const struct tile_plan plan = resolve(&config, UINT64_MAX);
    UNIT_OK(tiling_create(&tiling, 75, 75, &plan.rules));
    CU_ASSERT_EQUAL(tiling_create(&tiling, 3000, 75, &plan.rules), STATUS_LIMIT);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "tile.size 75 leaves no room for a halo of 320 pixels"));
}

// Positions of one direction whose middles lie in a tile's core must lie in its window.
static size_t lost_positions(const struct tiling *tiling, bool down, int row)
{
    const struct network *network = network_inception_v3();
    const struct receptive_field field = network_receptive_field(network, row);
    const struct tile_axis *axis = down ? &tiling->down : &tiling->across;
    int whole, positions, other;
    network_output_size(network, row, axis->length, axis->length, &whole, &other);
    network_output_size(network, row, axis->window, axis->window, &positions, &other);
    size_t lost = 0;
    for (int i = 0, p = 0; i < axis->count; i++) {
        const struct tile tile = tiling_tile(tiling, down ? i * tiling->across.count : i);
        const struct span core = span_of(&tile.core, down), window = span_of(&tile.window, down);
        lost += window.begin % field.stride != 0;
        for (; p < whole && (p * field.stride + field.centre < core.end || i == axis->count - 1); p++)
            lost += p < window.begin / field.stride || p >= window.begin / field.stride + positions;
    }
    return lost;
}

// Whatever is set, octaves of any size are cut into windows in which the network sees something, and no activation is in none of them.
static void test_any_octave(void)
{
    static const char *const targets[] = {"conv2d_1", "max_pooling2d_1", "mixed0",  "mixed2",       "mixed3",
                                          "mixed5",   "mixed3,mixed9",   "mixed10", "mixed0,mixed7"};
    uint32_t state = 5;
    int cut = 0;
    const int rules = unit_cases(RANDOM_RULES, 20);
    for (int k = 0; k < rules; k++) {
        struct config config;
        struct objective objective;
        configure(&config, targets[between(&state, 0, (int)(sizeof targets / sizeof targets[0]) - 1)]);
        config.tile.blend = between(&state, 0, 2) > 0 ? between(&state, 0, 64) : between(&state, 0, 1024);
        config.tile.halo = between(&state, 0, 1) > 0 ? between(&state, 0, 64) : between(&state, TILE_HALO_EXACT, 1500);
        const struct tile_plan plan = resolve(&config, between(&state, 0, 1) > 0 ? 0 : (uint64_t)between(&state, 0, 4000) << 20);
        UNIT_OK(objective_find_targets(&objective, &config));
        for (int i = 0; i < RANDOM_OCTAVES; i++) {
            struct tiling tiling;
            const int width = between(&state, 75, 3 * plan.rules.size), height = between(&state, 75, 3 * plan.rules.size);
            UNIT_OK(tiling_create(&tiling, width, height, &plan.rules));
            size_t wrong = (tiling.across.window < 75) + (tiling.down.window < 75);
            for (int t = 0; t < objective.count; t++)
                wrong += lost_positions(&tiling, false, objective.rows[t]) + lost_positions(&tiling, true, objective.rows[t]);
            CU_ASSERT_EQUAL(wrong, 0);
            cut += tiling_count(&tiling) > 1;
        }
    }
    CU_ASSERT(cut > rules * RANDOM_OCTAVES / 2);
}

static void test_unknown_layer(void)
{
    static const char *const names[] = {"mixed11", "input", "predictions"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct config config;
        struct tile_plan plan;
        char setting[64];
        snprintf(setting, sizeof setting, "mixed3,%s", names[i]);
        configure(&config, setting);
        CU_ASSERT_EQUAL(tile_rules_resolve(&config, UINT64_MAX, &plan), STATUS_USAGE);
        snprintf(setting, sizeof setting, "the network has no layer '%s'", names[i]);
        CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), setting));
    }
}

// By hand: each 3 x 3 convolution of the stem and each pool takes two off, and three of them halve what is left.
static void test_min_side(void)
{
    static const struct {
        const char *targets;
        int side;
    } known[] = {{"conv2d_1", 3}, {"conv2d_2", 7}, {"conv2d_3", 7},       {"max_pooling2d_1", 11},
                 {"mixed0", 27},  {"mixed10", 75}, {"mixed0,mixed10", 75}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct config config;
        configure(&config, known[i].targets);
        CU_ASSERT_EQUAL(resolve(&config, UINT64_MAX).min_side, known[i].side);
    }
}

static const struct unit_test tests[] = {
    {"halo auto", test_halo_auto},
    {"halo exact", test_halo_exact},
    {"halo in pixels", test_halo_pixels},
    {"the least halo", test_halo_least},
    {"the deepest target decides", test_deepest_target},
    {"size auto follows memory", test_size_auto},
    {"size given", test_size_given},
    {"any octave", test_any_octave},
    {"the smallest side", test_min_side},
    {"unknown layer", test_unknown_layer},
};
UNIT_MAIN("tile_rules", tests)
