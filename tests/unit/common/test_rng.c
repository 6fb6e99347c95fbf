// SPDX-License-Identifier: MIT
// Philox4x32-10 against the known answers of Random123 (kat_vectors), and what is drawn from it.
#include "common/system/rng.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

static void test_known_answers(void)
{
    static const struct {
        uint32_t counter[4];
        uint64_t key;
        uint32_t expected[4];
    } cases[] = {
        {{0, 0, 0, 0}, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffffffffffff, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct rng_block block = rng_philox(cases[i].key, cases[i].counter);
        CU_ASSERT(memcmp(block.values, cases[i].expected, sizeof block.values) == 0);
    }
}

// Chi-squared over the bins of dy, of dx and of pairs: for k degrees of freedom it is k +- sqrt(2 k); six deviations never happen by luck.
static void check_uniform(const int *counts, int bins, int draws)
{
    const double expected = (double)draws / bins, freedom = bins - 1;
    double chi = 0;
    for (int i = 0; i < bins; i++)
        chi += (counts[i] - expected) * (counts[i] - expected) / expected;
    CU_ASSERT((chi - freedom) * (chi - freedom) < 36 * 2 * freedom);
}

static void test_jitter_is_uniform(void)
{
    enum { JITTER = 7, SIDE = 2 * JITTER + 1, DRAWS = 200000 };
    static int rows[SIDE], columns[SIDE], pairs[SIDE * SIDE];
    for (int step = 0; step < DRAWS; step++) {
        int dy, dx;
        rng_jitter(42, step / 100, step / 10 % 10, step % 10, JITTER, &dy, &dx);
        CU_ASSERT_FATAL(abs(dy) <= JITTER && abs(dx) <= JITTER);
        rows[dy + JITTER]++;
        columns[dx + JITTER]++;
        pairs[(dy + JITTER) * SIDE + dx + JITTER]++;
    }
    check_uniform(rows, SIDE, DRAWS);
    check_uniform(columns, SIDE, DRAWS);
    check_uniform(pairs, SIDE * SIDE, DRAWS);
}

static void test_jitter_range(void)
{
    static const int jitters[] = {0, 1, 32, 4096, 0x3fffffff};
    for (int k = 0; k < 5; k++) {
        int low = 0, high = 0;
        for (int step = 0; step < 1000; step++) {
            int dy, dx;
            rng_jitter(1, 2, 3, step, jitters[k], &dy, &dx);
            CU_ASSERT_FATAL(dy >= -jitters[k] && dy <= jitters[k] && dx >= -jitters[k] && dx <= jitters[k]);
            low = dy < low ? dy : low;
            high = dy > high ? dy : high;
        }
        // 1000 draws come within 5% of both ends but with a probability of 1e-11
        CU_ASSERT(low <= -(jitters[k] / 20 * 18));
        CU_ASSERT(high >= jitters[k] / 20 * 18);
    }
}

// Every part of the key matters, all 64 bits of seed and picture, and nothing else does.
static void test_jitter_is_keyed(void)
{
    static const struct {
        uint64_t seed;
        uint64_t picture;
        int octave, step;
    } keys[] = {{0, 0, 0, 0}, {1, 0, 0, 0}, {1ull << 32, 0, 0, 0}, {0, 1, 0, 0}, {0, 1ll << 32, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}};
    enum { KEYS = sizeof keys / sizeof keys[0], JITTER = 1 << 29 };
    int dy[KEYS], dx[KEYS];
    for (int i = 0; i < KEYS; i++) {
        int again_y, again_x;
        rng_jitter(keys[i].seed, keys[i].picture, keys[i].octave, keys[i].step, JITTER, &dy[i], &dx[i]);
        rng_jitter(keys[i].seed, keys[i].picture, keys[i].octave, keys[i].step, JITTER, &again_y, &again_x);
        CU_ASSERT(again_y == dy[i] && again_x == dx[i]);
        for (int k = 0; k < i; k++)
            CU_ASSERT(dy[i] != dy[k] && dx[i] != dx[k]);
    }
}

// Moments of the normal distribution, the same numbers however many are asked for, others for each row, sample, picture and seed.
static void test_normal(void)
{
    enum { COUNT = 100000 };
    static float values[COUNT], part[COUNT];
    double sum = 0, square = 0, fourth = 0, product = 0;
    rng_normal(1, 2, 3, 4, COUNT, values);
    for (int i = 0; i < COUNT; i++) {
        const double v = values[i];
        sum += v;
        square += v * v;
        fourth += v * v * v * v;
        product += i > 0 ? v * (double)values[i - 1] : 0;
    }
    CU_ASSERT_DOUBLE_EQUAL(sum / COUNT, 0, 0.015); // five standard errors
    CU_ASSERT_DOUBLE_EQUAL(square / COUNT, 1, 0.025);
    CU_ASSERT_DOUBLE_EQUAL(fourth / COUNT, 3, 0.16);
    CU_ASSERT_DOUBLE_EQUAL(product / COUNT, 0, 0.016);
    rng_normal(1, 2, 3, 4, 777, part);
    CU_ASSERT(memcmp(values, part, 777 * sizeof *part) == 0);
    static const struct {
        uint64_t seed;
        uint64_t picture;
        int64_t row;
        int sample;
    } others[] = {{9, 2, 4, 3}, {1, 9, 4, 3}, {1, 2, 9, 3}, {1, 2, 4, 9}};
    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
        int same = 0;
        rng_normal(others[k].seed, others[k].picture, others[k].sample, others[k].row, 1000, part);
        for (int i = 0; i < 1000; i++)
            same += part[i] == values[i];
        CU_ASSERT(same < 5);
    }
}

static const struct unit_test tests[] = {
    {"normal", test_normal},
    {"known answers", test_known_answers},
    {"jitter is uniform", test_jitter_is_uniform},
    {"range of the jitter", test_jitter_range},
    {"key of the jitter", test_jitter_is_keyed},
};
UNIT_MAIN("rng", tests)
