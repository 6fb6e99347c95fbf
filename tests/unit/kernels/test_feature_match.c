// SPDX-License-Identifier: MIT
// Best matches against a plain double loop.
#include "kernels/execution/feature_match.h"

#include <omp.h>

#include "naive.h"

// Features and an activation of so many channels; what was found, and what should have been.
struct pair {
    int count, channels, height, width;
    float *features, *activation; // (count, channels), (channels, height, width)
    struct tensor tensor;         // the activation in blocks
    int32_t *best;
    float *score;
};

static size_t positions(const struct pair *s)
{
    return (size_t)s->height * (size_t)s->width;
}

static void create(struct pair *s, int count, int channels, int height, int width, uint32_t seed)
{
    *s = (struct pair){.count = count, .channels = channels, .height = height, .width = width};
    const size_t values = naive_count(channels, height, width);
    s->features = naive_random((size_t)count * (size_t)channels, seed);
    s->activation = naive_random(values, seed + 1);
    s->tensor = (struct tensor){
        .data = naive_alloc(values * sizeof(float)), .channels = channels, .height = height, .width = width, .block = onednn_block()};
    s->best = naive_alloc(positions(s) * sizeof *s->best);
    s->score = naive_alloc(positions(s) * sizeof *s->score);
}

static void destroy(struct pair *s)
{
    free(s->score);
    free(s->best);
    free(s->tensor.data);
    free(s->activation);
    free(s->features);
}

// Small whole numbers: every sum is exact, and many are equal.
static void round_values(float *values, size_t count, float range)
{
    for (size_t i = 0; i < count; i++)
        values[i] = rintf(values[i] * range);
}

static double product(const struct pair *s, size_t p, int feature)
{
    double sum = 0;
    for (int c = 0; c < s->channels; c++)
        sum += (double)s->activation[(size_t)c * positions(s) + p] * s->features[(size_t)feature * (size_t)s->channels + (size_t)c];
    return sum;
}

static int naive_best(const struct pair *s, size_t p, double *score)
{
    int best = 0;
    *score = product(s, p, 0);
    for (int q = 1; q < s->count; q++) {
        const double other = product(s, p, q);
        if (other > *score) {
            *score = other;
            best = q;
        }
    }
    return best;
}

// The features as an activation of so many positions: (count, channels) -> (channels / block, count, block).
static struct tensor as_guide(const float *features, int count, int channels)
{
    const int block = onednn_block();
    struct tensor guide = {.channels = channels, .height = 1, .width = count, .block = block};
    guide.data = naive_alloc((size_t)count * (size_t)channels * sizeof(float));
    for (int q = 0; q < count; q++)
        for (int c = 0; c < channels; c++)
            guide.data[naive_blocked_index(c, (size_t)q, (size_t)count, block)] = features[(size_t)q * (size_t)channels + (size_t)c];
    return guide;
}

static struct feature_match *create_match(const float *features, int count, int channels)
{
    struct feature_match *match;
    struct tensor guide = as_guide(features, count, channels);
    UNIT_OK(feature_match_create(&match, &guide));
    memset(guide.data, 0xff, (size_t)count * (size_t)channels * sizeof(float)); // it has a copy
    free(guide.data);
    return match;
}

static void find(struct feature_match *match, struct pair *s)
{
    const int32_t *best;
    const float *score;
    naive_block(s->activation, s->tensor.data, s->channels, positions(s), s->tensor.block);
    UNIT_OK(feature_match_find(match, &s->tensor, &best, &score));
    memcpy(s->best, best, positions(s) * sizeof *best);
    memcpy(s->score, score, positions(s) * sizeof *score);
}

// `exact`: the same index; otherwise one as good, up to rounding.
static int count_wrong(const struct pair *s, bool exact)
{
    int wrong = 0;
    for (size_t p = 0; p < positions(s); p++) {
        double score;
        const int best = naive_best(s, p, &score);
        const double slack = exact ? 0 : 1e-6 * s->channels;
        wrong += exact ? s->best[p] != best : s->best[p] < 0 || s->best[p] >= s->count || product(s, p, s->best[p]) < score - slack;
        wrong += fabs(s->score[p] - score) > slack;
    }
    return wrong;
}

static void check(int count, int channels, int height, int width, float range)
{
    struct pair s;
    create(&s, count, channels, height, width, (uint32_t)(count + channels));
    if (range > 0) {
        round_values(s.features, (size_t)count * (size_t)channels, range);
        round_values(s.activation, (size_t)channels * positions(&s), range);
    }
    struct feature_match *match = create_match(s.features, count, channels);
    find(match, &s);
    const int wrong = count_wrong(&s, range > 0);
    if (wrong)
        printf("\n%d features of %d channels, %d x %d: %d wrong\n", count, channels, width, height, wrong);
    CU_ASSERT_EQUAL(wrong, 0);
    feature_match_destroy(&match);
    CU_ASSERT_PTR_NULL(match);
    feature_match_destroy(&match); // harmless
    destroy(&s);
}

static void test_counts(void)
{
    static const int counts[] = {1, 2, 7, 8, 15, 16, 17, 31, 33, 100, 255, 256, 257, 289, 304, 500, 512, 513, 600};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        check(counts[i], 32, 9, 7, 3);
        check(counts[i], 16, 5, 11, 0);
    }
}

static void test_channels(void)
{
    static const int channels[] = {16, 48, 64, 80, 192, 256, 288, 768};
    for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++) {
        check(289, channels[i], 8, 6, 3);
        check(300, channels[i], 7, 13, 0);
        check(20, channels[i], 1, 1, 0);
        check(20, channels[i], 1, 37, 1);
    }
}

// All features the same, or all scores: the first wins. All scores below zero: what fills the last block up does not.
static void test_ties(void)
{
    static const int counts[] = {3, 16, 40, 257, 600};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct pair s;
        create(&s, counts[i], 64, 6, 5, 3);
        for (size_t k = 0; k < (size_t)counts[i] * 64; k++)
            s.features[k] = s.features[k % 64]; // not whole numbers: equal sums in every lane and group, too
        struct feature_match *match = create_match(s.features, counts[i], 64);
        find(match, &s);
        for (size_t p = 0; p < positions(&s); p++)
            CU_ASSERT_EQUAL(s.best[p], 0);
        memset(s.activation, 0, 64 * positions(&s) * sizeof(float));
        find(match, &s);
        for (size_t p = 0; p < positions(&s); p++)
            CU_ASSERT(s.best[p] == 0 && s.score[p] == 0);
        feature_match_destroy(&match);
        for (size_t k = 0; k < (size_t)counts[i] * 64; k++)
            s.features[k] = -fabsf(s.features[k]) - (k / 64 == (size_t)counts[i] - 1 ? 0.0f : 1.0f);
        for (size_t k = 0; k < 64 * positions(&s); k++)
            s.activation[k] = 0.5f + (float)(k % 3);
        match = create_match(s.features, counts[i], 64);
        find(match, &s);
        for (size_t p = 0; p < positions(&s); p++)
            CU_ASSERT(s.best[p] == counts[i] - 1 && s.score[p] < 0);
        feature_match_destroy(&match);
        destroy(&s);
    }
}

// One matcher, sizes in turn, other thread counts: the same bytes every time.
static void test_same_bytes(void)
{
    enum { COUNT = 389, CHANNELS = 288 };
    static const int sizes[3][2] = {{12, 9}, {33, 40}, {1, 3}};
    const int threads = omp_get_max_threads();
    float *features = naive_random(COUNT * CHANNELS, 1);
    struct pair s[3];
    struct feature_match *match = create_match(features, COUNT, CHANNELS);
    int32_t *best[3];
    float *score[3];
    for (int k = 0; k < 3; k++) {
        create(&s[k], COUNT, CHANNELS, sizes[k][0], sizes[k][1], 7 + (uint32_t)k);
        memcpy(s[k].features, features, (size_t)COUNT * CHANNELS * sizeof *features);
    }
    for (int run = 0; run < 12; run++) {
        const int k = run % 3;
        omp_set_num_threads(1 + run / 3);
        find(match, &s[k]);
        if (run < 3) {
            CU_ASSERT_EQUAL(count_wrong(&s[k], false), 0);
            best[k] = memcpy(naive_alloc(positions(&s[k]) * sizeof *best[k]), s[k].best, positions(&s[k]) * sizeof *best[k]);
            score[k] = memcpy(naive_alloc(positions(&s[k]) * sizeof *score[k]), s[k].score, positions(&s[k]) * sizeof *score[k]);
        }
        CU_ASSERT(memcmp(best[k], s[k].best, positions(&s[k]) * sizeof *best[k]) == 0);
        CU_ASSERT(memcmp(score[k], s[k].score, positions(&s[k]) * sizeof *score[k]) == 0);
    }
    omp_set_num_threads(threads);
    for (int k = 0; k < 3; k++) {
        free(score[k]);
        free(best[k]);
        destroy(&s[k]);
    }
    feature_match_destroy(&match);
    free(features);
}

static void test_gather(void)
{
    struct pair s;
    int wrong = 0;
    create(&s, 300, 80, 7, 9, 5);
    struct feature_match *match = create_match(s.features, s.count, s.channels);
    find(match, &s);
    memset(s.tensor.data, 0xff, (size_t)s.channels * positions(&s) * sizeof(float));
    feature_match_gather(match, -0.25f, &s.tensor);
    for (int c = 0; c < s.channels; c++)
        for (size_t p = 0; p < positions(&s); p++)
            wrong += s.tensor.data[naive_blocked_index(c, p, positions(&s), s.tensor.block)] !=
                     -0.25f * s.features[(size_t)s.best[p] * (size_t)s.channels + (size_t)c];
    CU_ASSERT_EQUAL(wrong, 0);
    feature_match_destroy(&match);
    destroy(&s);
}

static const struct unit_test tests[] = {
    {"numbers of features", test_counts},
    {"numbers of channels", test_channels},
    {"ties", test_ties},
    {"same bytes", test_same_bytes},
    {"gather", test_gather},
};
UNIT_MAIN("feature match", tests)
