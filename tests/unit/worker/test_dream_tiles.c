// SPDX-License-Identifier: MIT
// Dreams in tiles against dreams of the whole.
#include "dream_run.h"

// Whatever the rules, as long as the largest octave is not cut. To the bit, what is not known included.
static void test_one_tile(void)
{
    static const struct tile_rules rules[] = {{130, 40, 32, 8}, {65536, 40, 32, 8}, {4096, 256, 0, 16}};
    const int width = 130, height = 122;
    struct config config;
    configure(&config);
    const struct dreamed first = dream(&config, width, height);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const struct dreamed other = dream_in_tiles(&config, &rules[i], width, height, STOP_NEVER);
        CU_ASSERT(same_picture(first.rgb, other.rgb, width, height));
        CU_ASSERT(memcmp(&other.outcome.before, &first.outcome.before, sizeof first.outcome.before) == 0);
        CU_ASSERT(memcmp(&other.outcome.after, &first.outcome.after, sizeof first.outcome.after) == 0);
        free(other.rgb);
    }
    free(first.rgb);
}

// Targets that see little, so that tiles and octaves can be small.
static struct tile_plan exact_plan(struct config *config, int size)
{
    struct tile_plan plan;
    UNIT_OK(config_set(config, "targets=mixed0:1,conv2d_5:0.5"));
    UNIT_OK(config_set(config, "gradient_above=input"));
    config->tile.halo = TILE_HALO_EXACT;
    config->tile.blend = 16;
    config->tile.size = size;
    config->octaves.scale = 1.1;
    config->normalize = NORMALIZE_MEAN_ABS;
    UNIT_OK(tile_rules_resolve(config, UINT64_MAX, &plan));
    CU_ASSERT(plan.exact && plan.rules.halo == 80);
    return plan;
}

// Of the values that differ by more than `limit`.
static double share_beyond(const float *a, const float *b, size_t count, double limit)
{
    size_t beyond = 0;
    for (size_t i = 0; i < count; i++)
        beyond += !(fabs(a[i] - b[i]) <= limit);
    return (double)beyond / (double)count;
}

static bool close(double a, double b)
{
    return close_to(a, b, 1e-4);
}

// Without the loss.
static bool close_metrics(const struct target_metrics *a, const struct target_metrics *b, double limit)
{
    return fabs(a->score - b->score) <= limit * b->score && fabs(a->sparsity - b->sparsity) <= limit * b->sparsity &&
           fabs(a->hoyer - b->hoyer) <= limit * b->hoyer && fabs(a->diversity - b->diversity) <= limit * b->diversity &&
           fabs(a->diversity_seed - b->diversity_seed) <= limit * fabs(b->diversity_seed);
}

static void compare_records(const struct dreamed *tiled, const struct dreamed *whole)
{
    CU_ASSERT_EQUAL_FATAL(tiled->count, whole->count);
    for (int i = 0; i < whole->count; i++) {
        const struct step_row *a = &tiled->steps[i], *b = &whole->steps[i];
        CU_ASSERT(a->octave == b->octave && a->step == b->step && a->width == b->width && a->height == b->height);
        CU_ASSERT(close(a->loss, b->loss) && close(a->targets[1].loss, b->targets[1].loss));
        CU_ASSERT(close(a->total_variation, b->total_variation) && close(a->gradient_norm, b->gradient_norm));
        CU_ASSERT(close_metrics(&a->targets[0], &b->targets[0], 1e-3) && close_metrics(&a->targets[1], &b->targets[1], 1e-3));
        CU_ASSERT(isinf(b->psnr) ? isinf(a->psnr) : close(a->psnr, b->psnr));
    }
}

// Of the values of a dream in tiles that differ by more than `limit` from those of one of the whole.
static double check_tiles(const struct config *config, const struct tile_rules *rules, int width, int height, double limit)
{
    struct tile_rules uncut = *rules;
    uncut.size = 65536;
    const struct dreamed whole = dream_in_tiles(config, &uncut, width, height, STOP_NEVER);
    const struct dreamed tiled = dream_in_tiles(config, rules, width, height, STOP_NEVER);
    compare_records(&tiled, &whole);
    CU_ASSERT(close(tiled.outcome.before.loss, whole.outcome.before.loss) && close(tiled.outcome.after.loss, whole.outcome.after.loss));
    for (int t = 0; t < 2; t++) // of the same picture: nothing has gone astray yet
        CU_ASSERT(close_metrics(&tiled.outcome.before.targets[t], &whole.outcome.before.targets[t], 1e-6));
    const double share = share_beyond(whole.rgb, tiled.rgb, naive_count(3, height, width), limit);
    free(tiled.rgb);
    free(whole.rgb);
    return share;
}

static void check_count(int width, int height, const struct tile_rules *rules, int across, int down)
{
    struct tiling tiling;
    UNIT_OK(tiling_create(&tiling, width, height, rules));
    CU_ASSERT(tiling.across.count == across && tiling.down.count == down);
}

enum { SIZE = 216, WIDTH = 266, HEIGHT = 246 }; // 3 x 2 tiles; the octave below, 2 x 2

// With an exact halo tiles leave no trace but other roundings.
static void test_one_step(void)
{
    static const char *const settings[] = {"seed=1", "gradient_above=conv2d_3", "jitter=500", "smooth=0.8", "objective=mean"};
    struct config config;
    configure(&config);
    const struct tile_plan plan = exact_plan(&config, SIZE);
    check_count(WIDTH, HEIGHT, &plan.rules, 3, 2);
    config.octaves.count = config.steps = 1;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        UNIT_OK(config_set(&config, settings[i])); // one after the other, and all together
        CU_ASSERT_EQUAL(check_tiles(&config, &plan.rules, WIDTH, HEIGHT, 1e-6), 0);
    }
}

// The maps that steer the ascent are those of the whole, too.
static void test_guidance(void)
{
    static const char *const settings[] = {"guidance.saliency=0.7",      "guidance.cam=0.6",     "guidance.importance=0.5",
                                           "guidance.add_magnitude=0.1", "guidance.add_cam=0.2", "jitter=300"};
    struct config config;
    configure(&config);
    const struct tile_plan plan = exact_plan(&config, SIZE);
    config.octaves.count = config.steps = 1;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        UNIT_OK(config_set(&config, settings[i]));
    CU_ASSERT_EQUAL(check_tiles(&config, &plan.rules, WIDTH, HEIGHT, 1e-6), 0);
}

// After more steps than one they turn a ReLU over here and there, and what lies around it changes.
static void test_more_steps(void)
{
    struct config config;
    configure(&config);
    const struct tile_plan plan = exact_plan(&config, SIZE);
    check_count((int)lround(WIDTH / 1.1), (int)lround(HEIGHT / 1.1), &plan.rules, 2, 2);
    config.octaves.count = 1;
    CU_ASSERT(check_tiles(&config, &plan.rules, WIDTH, HEIGHT, 1e-4) < 0.01);
    config.octaves.count = 2;
    config.steps = 1;
    CU_ASSERT(check_tiles(&config, &plan.rules, WIDTH, HEIGHT, 1e-4) < 0.01);
}

// The comparison is worth something: a shorter halo shows. And in tiles, too, a dream is the same each time.
static void test_short_halo(void)
{
    const int width = 220, height = 210;
    static const struct tile_rules whole_rules = {4096, 40, 16, 8}, rules = {160, 40, 16, 8};
    struct config config;
    configure(&config);
    check_count(width, height, &rules, 2, 2);
    config.octaves.count = config.steps = 1;
    const struct dreamed whole = dream_in_tiles(&config, &whole_rules, width, height, STOP_NEVER);
    const struct dreamed tiled = dream_in_tiles(&config, &rules, width, height, STOP_NEVER);
    const struct dreamed again = dream_in_tiles(&config, &rules, width, height, STOP_NEVER);
    CU_ASSERT(share_beyond(whole.rgb, tiled.rgb, naive_count(3, height, width), 1e-5) > 0.2);
    CU_ASSERT(same_picture(tiled.rgb, again.rgb, width, height));
    free(again.rgb);
    free(tiled.rgb);
    free(whole.rgb);
}

// A size that leaves no room for the halo is found out before anything is dreamed.
static void test_no_room(void)
{
    struct config config;
    configure(&config);
    const struct tile_plan plan = exact_plan(&config, 150);
    const struct dreamed d = dream_in_tiles(&config, &plan.rules, 300, 100, STOP_NEVER);
    CU_ASSERT_EQUAL(d.status, STATUS_LIMIT);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "tile.size 150 leaves no room for a halo of 80 pixels"));
    CU_ASSERT_EQUAL(d.count, 0);
    free(d.rgb);
}

static const struct unit_test tests[] = {
    {"one tile", test_one_tile},
    {"one step", test_one_step},
    {"guidance", test_guidance},
    {"more steps", test_more_steps},
    {"a short halo shows, repeats", test_short_halo},
    {"no room", test_no_room},
};
UNIT_MAIN("dream_tiles", tests)
