// SPDX-License-Identifier: MIT
// The passes between convolutions against the plain meaning of their comments, bit by bit.
#include "kernels/elementwise.h"

#include <float.h>
#include <omp.h>

#include "naive.h"

enum { CHUNK = 1 << 14 }; // what one thread takes at a time: counts around it matter

static const size_t counts[] = {16, 32, 48, 16 * 1023, CHUNK, CHUNK + 16, 3 * CHUNK - 16, 5 * CHUNK + 16 * 7};
enum { COUNTS = sizeof counts / sizeof counts[0] };

// Random values among which every odd kind of number turns up, in every position of a word of 16.
static float *odd_values(size_t count, uint32_t seed)
{
    const float odd[] = {0.0f, -0.0f, NAN, -NAN, INFINITY, -INFINITY, FLT_TRUE_MIN, -FLT_TRUE_MIN, FLT_MIN / 2, FLT_MAX, -FLT_MAX};
    float *values = naive_random(count, seed);
    uint32_t state = seed;
    for (size_t i = 0; i < count; i++)
        if (naive_next(&state) % 4 == 0)
            values[i] = odd[naive_next(&state) % (sizeof odd / sizeof odd[0])];
    return values;
}

static bool same_bits(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool bit(const uint16_t *mask, size_t i)
{
    return mask[i / 16] >> (i % 16) & 1;
}

static void check_relu(size_t count, uint32_t seed)
{
    const size_t words = count / 16;
    float *activation = odd_values(count, seed), *gradient = odd_values(count, seed + 1), *found = naive_alloc(count * sizeof *found);
    uint16_t *mask = naive_alloc((words + 1) * sizeof *mask);
    mask[words] = 0xa5a5;
    relu_mask(activation, mask, count);
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++)
        wrong += bit(mask, i) != (activation[i] > 0);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(mask[words], 0xa5a5);
    for (enum gradient_mode mode = GRADIENT_MODE_GUIDED; mode <= GRADIENT_MODE_DECONV; mode++) {
        memcpy(found, gradient, count * sizeof *found);
        relu_gradient(found, mask, count, mode);
        wrong = 0;
        for (size_t i = 0; i < count; i++) {
            const float g = gradient[i];
            const bool seen = mode == GRADIENT_MODE_DECONV || activation[i] > 0, wanted = mode == GRADIENT_MODE_PLAIN || g > 0;
            wrong += !same_bits(found[i], seen && wanted ? g : 0.0f); // +0, and a NaN only where it is kept
        }
        CU_ASSERT_EQUAL(wrong, 0);
    }
    free(mask);
    free(found);
    free(gradient);
    free(activation);
}

static void test_relu(void)
{
    for (int i = 0; i < COUNTS; i++)
        check_relu(counts[i], (uint32_t)i + 1);
}

static void test_add(void)
{
    for (int k = 0; k < COUNTS; k++) {
        const size_t count = counts[k];
        float *term = odd_values(count, 11), *sum = odd_values(count, 12), *before = naive_alloc(count * sizeof *before);
        memcpy(before, sum, count * sizeof *before);
        add(sum, term, count);
        size_t wrong = 0;
        for (size_t i = 0; i < count; i++) {
            const float expected = before[i] + term[i];
            wrong += isnan(expected) ? !isnan(sum[i]) : !same_bits(sum[i], expected);
        }
        CU_ASSERT_EQUAL(wrong, 0);
        free(before);
        free(sum);
        free(term);
    }
}

static void test_unblock_first(void)
{
    static const int pixels[] = {1, 2, 15, 77 * 81};
    for (int block = 8; block <= 16; block += 8)
        for (int channels = 1; channels <= block; channels += 2)
            for (size_t k = 0; k < sizeof pixels / sizeof pixels[0]; k++) {
                const size_t n = (size_t)pixels[k], count = (size_t)channels * n;
                float *blocked = odd_values(n * (size_t)block, 21), *found = naive_alloc((count + 1) * sizeof *found);
                float *expected = naive_alloc(count * sizeof *expected);
                found[count] = 42;
                unblock_first(blocked, found, channels, n, block);
                naive_unblock(blocked, expected, channels, n, block);
                CU_ASSERT(memcmp(found, expected, count * sizeof *found) == 0);
                CU_ASSERT(found[count] == 42);
                free(expected);
                free(found);
                free(blocked);
            }
}

static void test_threads(void)
{
    const int threads = omp_get_max_threads();
    omp_set_num_threads(3);
    test_relu();
    test_add();
    test_unblock_first();
    omp_set_num_threads(threads);
}

static const struct unit_test tests[] = {
    {"mask and gradient of a ReLU", test_relu},
    {"add", test_add},
    {"unblock", test_unblock_first},
    {"three threads", test_threads},
};
UNIT_MAIN("elementwise", tests)
