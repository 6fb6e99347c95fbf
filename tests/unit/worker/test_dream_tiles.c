// SPDX-License-Identifier: MIT
// Dreams in tiles against dreams of the whole.
#include "dream_run.h"

// To the bit, what is not known included.
static bool same_metrics(const struct picture_metrics *a, const struct picture_metrics *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

// Whatever the rules, as long as the largest octave is not cut.
static void test_one_tile(void)
{
    static const struct tile_rules rules[] = {{130, 40, 32, 8}, {65536, 40, 32, 8}, {4096, 256, 0, 16}};
    const int width = 130, height = 122;
    struct config config;
    struct record record;
    struct dream_outcome outcome, first_outcome;
    float *first = picture(width, height);
    configure(&config);
    UNIT_OK(dream(&config, first, width, height, STOP_NEVER, &record, &first_outcome));
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        float *other = picture(width, height);
        UNIT_OK(dream_in_tiles(&config, &rules[i], other, width, height, STOP_NEVER, &record, &outcome));
        CU_ASSERT(memcmp(first, other, naive_count(3, height, width) * sizeof *first) == 0);
        CU_ASSERT(same_metrics(&outcome.before, &first_outcome.before) && same_metrics(&outcome.after, &first_outcome.after));
        free(other);
    }
    free(first);
}

static struct tile_plan exact_plan(struct config *config, int size)
{
    struct tile_plan plan;
    UNIT_OK(config_set(config, "targets=mixed0:1,mixed1:0.5"));
    UNIT_OK(config_set(config, "gradient_above=input"));
    config->tile.halo = TILE_HALO_EXACT;
    config->tile.blend = 16;
    config->tile.size = size;
    config->octaves.scale = 1.1;
    config->normalize = NORMALIZE_MEAN_ABS;
    UNIT_OK(tile_rules_resolve(config, UINT64_MAX, &plan));
    CU_ASSERT(plan.exact && plan.rules.halo == 112);
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

static bool close_to(double a, double b)
{
    return fabs(a - b) <= 1e-4 * fabs(b);
}

// Without the loss.
static bool close_metrics(const struct target_metrics *a, const struct target_metrics *b, double limit)
{
    return fabs(a->score - b->score) <= limit * b->score && fabs(a->sparsity - b->sparsity) <= limit * b->sparsity &&
           fabs(a->hoyer - b->hoyer) <= limit * b->hoyer && fabs(a->diversity - b->diversity) <= limit * b->diversity &&
           fabs(a->diversity_seed - b->diversity_seed) <= limit * fabs(b->diversity_seed);
}

static void compare_records(const struct record *tiled, const struct record *whole)
{
    CU_ASSERT_EQUAL_FATAL(tiled->count, whole->count);
    for (int i = 0; i < whole->count; i++) {
        const struct step_row *a = &tiled->steps[i], *b = &whole->steps[i];
        CU_ASSERT(a->octave == b->octave && a->step == b->step && a->width == b->width && a->height == b->height);
        CU_ASSERT(close_to(a->loss, b->loss) && close_to(a->targets[1].loss, b->targets[1].loss));
        CU_ASSERT(close_to(a->total_variation, b->total_variation) && close_to(a->gradient_norm, b->gradient_norm));
        CU_ASSERT(close_metrics(&a->targets[0], &b->targets[0], 1e-3) && close_metrics(&a->targets[1], &b->targets[1], 1e-3));
        CU_ASSERT(isinf(b->psnr) ? isinf(a->psnr) : close_to(a->psnr, b->psnr));
    }
}

// Of the values of a dream in tiles that differ by more than `limit` from those of one of the whole.
static double check_tiles(const struct config *config, const struct tile_rules *rules, int width, int height, double limit)
{
    struct tile_rules uncut = *rules;
    struct record whole_record, record;
    struct dream_outcome whole_outcome, outcome;
    float *whole = picture(width, height), *tiled = picture(width, height);
    uncut.size = 65536;
    UNIT_OK(dream_in_tiles(config, &uncut, whole, width, height, STOP_NEVER, &whole_record, &whole_outcome));
    UNIT_OK(dream_in_tiles(config, rules, tiled, width, height, STOP_NEVER, &record, &outcome));
    compare_records(&record, &whole_record);
    CU_ASSERT(close_to(outcome.before.loss, whole_outcome.before.loss) && close_to(outcome.after.loss, whole_outcome.after.loss));
    for (int t = 0; t < 2; t++) // of the same picture: nothing has gone astray yet
        CU_ASSERT(close_metrics(&outcome.before.targets[t], &whole_outcome.before.targets[t], 1e-6));
    const double share = share_beyond(whole, tiled, naive_count(3, height, width), limit);
    free(tiled);
    free(whole);
    return share;
}

static void check_count(int width, int height, const struct tile_rules *rules, int across, int down)
{
    struct tiling tiling;
    UNIT_OK(tiling_create(&tiling, width, height, rules));
    CU_ASSERT(tiling.across.count == across && tiling.down.count == down);
}

// With an exact halo tiles leave no trace but other roundings.
static void test_one_step(void)
{
    static const char *const settings[] = {"seed=1", "gradient_above=conv2d_3", "jitter=500", "smooth=0.8", "objective=mean"};
    struct config config;
    configure(&config);
    const struct tile_plan plan = exact_plan(&config, 280);
    check_count(340, 320, &plan.rules, 3, 2);
    config.octaves.count = config.steps = 1;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        UNIT_OK(config_set(&config, settings[i])); // one after the other, and all together
        CU_ASSERT_EQUAL(check_tiles(&config, &plan.rules, 340, 320, 1e-6), 0);
    }
}

// The maps that steer the ascent are those of the whole, too.
static void test_guidance(void)
{
    static const char *const settings[] = {"guidance.saliency=0.7",      "guidance.cam=0.6",     "guidance.importance=0.5",
                                           "guidance.add_magnitude=0.1", "guidance.add_cam=0.2", "jitter=300"};
    struct config config;
    configure(&config);
    const struct tile_plan plan = exact_plan(&config, 280);
    config.octaves.count = config.steps = 1;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        UNIT_OK(config_set(&config, settings[i]));
    CU_ASSERT_EQUAL(check_tiles(&config, &plan.rules, 340, 320, 1e-6), 0);
}

// After more steps than one they turn a ReLU over here and there, and what lies around it changes.
static void test_more_steps(void)
{
    struct config config;
    configure(&config);
    const struct tile_plan plan = exact_plan(&config, 280);
    check_count(309, 291, &plan.rules, 2, 2);
    check_count(340, 320, &plan.rules, 3, 2);
    config.octaves.count = 1;
    CU_ASSERT(check_tiles(&config, &plan.rules, 340, 320, 1e-4) < 0.01);
    config.octaves.count = 2;
    config.steps = 1;
    CU_ASSERT(check_tiles(&config, &plan.rules, 340, 320, 1e-4) < 0.01);
}

// The comparison is worth something: a shorter halo shows.
static void test_short_halo(void)
{
    const int width = 220, height = 210;
    const size_t count = naive_count(3, height, width);
    static const struct tile_rules whole_rules = {4096, 40, 16, 8}, rules = {160, 40, 16, 8};
    struct config config;
    struct record record;
    struct dream_outcome outcome;
    float *whole = picture(width, height), *tiled = picture(width, height);
    configure(&config);
    check_count(width, height, &rules, 2, 2);
    config.octaves.count = config.steps = 1;
    UNIT_OK(dream_in_tiles(&config, &whole_rules, whole, width, height, STOP_NEVER, &record, &outcome));
    UNIT_OK(dream_in_tiles(&config, &rules, tiled, width, height, STOP_NEVER, &record, &outcome));
    CU_ASSERT(share_beyond(whole, tiled, count, 1e-5) > 0.2);
    free(tiled);
    free(whole);
}

static void test_repeats(void)
{
    const int width = 300, height = 250;
    struct config config;
    struct record record;
    struct dream_outcome outcome;
    struct tiling tiling;
    const struct tile_rules rules = {.size = 200, .halo = 56, .blend = 24, .stride = 8};
    float *first = picture(width, height), *again = picture(width, height);
    configure(&config);
    UNIT_OK(tiling_create(&tiling, width, height, &rules));
    CU_ASSERT(tiling_count(&tiling) > 2);
    UNIT_OK(dream_in_tiles(&config, &rules, first, width, height, STOP_NEVER, &record, &outcome));
    UNIT_OK(dream_in_tiles(&config, &rules, again, width, height, STOP_NEVER, &record, &outcome));
    CU_ASSERT(memcmp(first, again, naive_count(3, height, width) * sizeof *first) == 0);
    free(again);
    free(first);
}

// A size that leaves no room for the halo is found out before anything is dreamed.
static void test_no_room(void)
{
    const int width = 300, height = 100;
    struct config config;
    struct record record;
    struct dream_outcome outcome;
    float *rgb = picture(width, height), *before = picture(width, height);
    configure(&config);
    const struct tile_plan plan = exact_plan(&config, 200);
    CU_ASSERT_EQUAL(dream_in_tiles(&config, &plan.rules, rgb, width, height, STOP_NEVER, &record, &outcome), STATUS_LIMIT);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "tile.size 200 leaves no room for a halo of 112 pixels"));
    CU_ASSERT_EQUAL(record.count, 0);
    CU_ASSERT(memcmp(rgb, before, naive_count(3, height, width) * sizeof *rgb) == 0);
    free(before);
    free(rgb);
    free(weights); // the last of the tests
}

static const struct unit_test tests[] = {
    {"one tile", test_one_tile},
    {"one step", test_one_step},
    {"guidance", test_guidance},
    {"more steps", test_more_steps},
    {"a short halo shows", test_short_halo},
    {"repeats", test_repeats},
    {"no room", test_no_room},
};
UNIT_MAIN("dream_tiles", tests)
