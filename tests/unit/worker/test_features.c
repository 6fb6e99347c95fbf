// SPDX-License-Identifier: MIT
// What is kept of a pass: every position of an octave once, in the tile that it belongs to, to the bit.
#include "worker/network/features.h"

#include "features_setup.h"
#include "tiling_cases.h"

// Counts each position that a tile's feature holds, and compares it with the whole.
static void check_feature(const struct features_setup *s, int tile, int t, int *counts)
{
    const struct naive_target *target = &s->targets[t];
    const struct feature *feature = features_at(&s->features, tile, t);
    const size_t positions = (size_t)feature->at.width * (size_t)feature->at.height;
    size_t wrong = 0;
    CU_ASSERT(feature->channels == target->channels && feature->block == onednn_block());
    CU_ASSERT_FATAL(feature->at.x >= 0 && feature->at.x + feature->at.width <= target->width);
    CU_ASSERT_FATAL(feature->at.y >= 0 && feature->at.y + feature->at.height <= target->height);
    CU_ASSERT_EQUAL(feature->gradient != NULL, s->gradients[t] != NULL);
    for (size_t i = 0; i < positions; i++) {
        const size_t x = (size_t)feature->at.x + i % (size_t)feature->at.width, y = (size_t)feature->at.y + i / (size_t)feature->at.width;
        const size_t at = y * (size_t)target->width + x;
        counts[at]++;
        for (int c = 0; c < target->channels; c++) {
            const size_t planar = naive_count(c, target->height, target->width) + at;
            const size_t blocked = naive_blocked_index(c, i, positions, feature->block);
            wrong += feature->activation[blocked] != s->activations[t][planar];
            wrong += feature->gradient && feature->gradient[blocked] != s->gradients[t][planar];
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void check(int width, int height, const struct tile_rules *rules, int tiles)
{
    struct features_setup s;
    features_set_up(&s, "mixed0:1,conv2d_2:2,mixed3:0.5", width, height, 5); // the gradients of the first and the last
    features_fill(&s, width, height, rules);
    CU_ASSERT_EQUAL(tiling_count(&s.tiling), tiles);
    CU_ASSERT(s.features.mine.begin == 0 && s.features.mine.end == tiles);
    for (int t = 0; t < 3; t++) {
        int *counts = calloc(naive_positions(&s.targets[t]), sizeof *counts);
        for (int i = 0; i < tiles; i++)
            check_feature(&s, i, t, counts);
        int wrong = 0;
        for (size_t p = 0; p < naive_positions(&s.targets[t]); p++)
            wrong += counts[p] != 1;
        CU_ASSERT_EQUAL(wrong, 0);
        const struct heat_grid grid = features_grid(&s.features, t, -3, 4);
        const struct receptive_field field = network_receptive_field(network_inception_v3(), s.objective.rows[t]);
        CU_ASSERT(grid.width == s.targets[t].width && grid.height == s.targets[t].height);
        CU_ASSERT(grid.stride == field.stride && grid.centre == field.centre && grid.dy == -3 && grid.dx == 4);
        CU_ASSERT(grid.octave_width == width && grid.octave_height == height);
        free(counts);
    }
    features_tear_down(&s);
}

static void test_one_tile(void)
{
    check(131, 119, &ONE_TILE, 1);
    check(75, 200, &ONE_TILE, 1);
}

static void test_tiles(void)
{
    check(300, 260, &SMALL_TILES, 6);
    check(237, 90, &SMALL_TILES, 2);
    check(83, 411, &SMALL_TILES, 5);
    check(181, 167, &(struct tile_rules){.size = 128, .halo = 48, .blend = 0, .stride = 16}, 20); // a few positions each
}

// sums[0]: tiles; sums[1]: positions; sums[2]: what is given.
static void count_positions(const struct feature *feature, double *sums, const void *given)
{
    sums[0]++;
    sums[1] += (double)feature->at.width * feature->at.height;
    sums[2] += *(const double *)given;
}

static void test_sum(void)
{
    struct features_setup s;
    double sums[3] = {NAN, NAN, NAN};
    const double part = 0.25;
    features_set_up(&s, "mixed0", 300, 260, 0);
    features_fill(&s, 300, 260, &SMALL_TILES);
    UNIT_OK(features_sum(&s.features, 0, 3, count_positions, &part, sums));
    CU_ASSERT_EQUAL(sums[0], 6);
    CU_ASSERT_EQUAL(sums[1], (double)naive_positions(&s.targets[0]));
    CU_ASSERT_EQUAL(sums[2], 1.5);
    features_tear_down(&s);
    features_destroy(&s.features); // once more, to no harm
}

static const struct unit_test tests[] = {
    {"one tile", test_one_tile},
    {"tiles", test_tiles},
    {"sums over tiles", test_sum},
};
UNIT_MAIN("features", tests)
