// SPDX-License-Identifier: MIT
// Exact sums against 128-bit integers, in any order, and where doubles round.
#include "common/numbers/exact_sum.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/system/rng.h"
#include "unit.h"

__extension__ typedef __int128 wide;

enum { TERMS = 200, SPREAD = 60 };

static double value_of(const double *terms, int count, bool backwards)
{
    struct exact_sum sum = {0};
    for (int i = 0; i < count; i++)
        exact_sum_add(&sum, terms[backwards ? count - 1 - i : i]);
    return exact_sum_value(&sum);
}

// Multiples of `unit` of up to 53 bits, shifted by up to SPREAD: their sum is one of at most 121 bits.
static void check_against_integers(uint64_t seed, int exponent)
{
    double terms[TERMS];
    wide exact = 0;
    for (uint32_t i = 0; i < TERMS; i++) {
        const struct rng_block random = rng_philox(seed, (uint32_t[4]){i});
        const int64_t whole = ((int64_t)random.values[0] << 21 | random.values[1] >> 11) * (random.values[2] & 1 ? -1 : 1);
        const int shift = (int)(random.values[3] % SPREAD);
        exact += (wide)whole * ((wide)1 << shift);
        terms[i] = ldexp((double)whole, shift + exponent);
    }
    const double expected = ldexp((double)exact, exponent);
    CU_ASSERT_EQUAL(value_of(terms, TERMS, false), expected);
    CU_ASSERT_EQUAL(value_of(terms, TERMS, true), expected);
}

static void test_integers(void)
{
    for (uint64_t seed = 0; seed < 200; seed++)
        check_against_integers(seed, (int)(seed % 7) * 300 - 950);
}

static void test_rounding(void)
{
    const double half = ldexp(1, -53);
    CU_ASSERT_EQUAL(value_of((double[]){1e308, 1, -1e308}, 3, false), 1);
    CU_ASSERT_EQUAL(value_of((double[]){1, half}, 2, false), 1);                                             // half way: to the even one
    CU_ASSERT_EQUAL(value_of((double[]){1, half, 5e-324}, 3, false), 1 + 2 * half);                          // a trace above
    CU_ASSERT_EQUAL(value_of((double[]){1, 2 * half, half}, 3, false), 1 + 4 * half);                        // to the even one above
    CU_ASSERT_EQUAL(value_of((double[]){-1, -half, -5e-324}, 3, false), -1 - 2 * half);                      //
    CU_ASSERT_EQUAL(value_of((double[]){5e-324, 5e-324}, 2, false), 1e-323);                                 //
    CU_ASSERT_EQUAL(value_of((double[]){0, -0.0, 0}, 3, false), 0);                                          //
    CU_ASSERT_EQUAL(value_of((double[]){1e308, 1e308, -1e308}, 3, false), 1e308);                            // beyond doubles in between
    CU_ASSERT_EQUAL(value_of((double[]){1.7e308, 1.7e308, 1.7e308, -1.7e308, -1.7e308}, 5, false), 1.7e308); //
    CU_ASSERT_EQUAL(value_of(NULL, 0, false), 0);
}

// More terms than a digit has room for without carries would take too long; as many as make every digit of one term overflow a 32-bit one.
static void test_many(void)
{
    struct exact_sum sum = {0};
    const int count = 1 << 20;
    const double term = nextafter(4294967296.0, 0);
    for (int i = 0; i < count; i++)
        exact_sum_add(&sum, i % 3 ? term : -term);
    CU_ASSERT_EQUAL(exact_sum_value(&sum), (double)(count - 2 * ((count + 2) / 3)) * term);
    sum.terms = (1 << 29) - 2; // carries come up now
    exact_sum_add(&sum, 1);
    exact_sum_add(&sum, 1);
    CU_ASSERT(sum.terms < 4);
    CU_ASSERT_EQUAL(exact_sum_value(&sum), (double)(count - 2 * ((count + 2) / 3)) * term + 2);
}

static void test_squares(void)
{
    struct exact_sum sum = {0}, naive = {0};
    const double term = 1 + ldexp(1, -30); // its square has 61 bits
    exact_sum_add_square(&sum, term);
    exact_sum_add_square(&sum, -3);
    exact_sum_add(&naive, 10);
    exact_sum_add(&naive, ldexp(1, -29));
    exact_sum_add(&naive, ldexp(1, -60));
    exact_sum_add(&sum, -10);
    exact_sum_add(&naive, -10);
    CU_ASSERT_EQUAL(exact_sum_value(&sum), exact_sum_value(&naive));
    CU_ASSERT_EQUAL(exact_sum_value(&sum), ldexp(1, -29) + ldexp(1, -60));
}

static const struct unit_test tests[] = {
    {"against integers, in any order", test_integers}, {"rounding", test_rounding}, {"many terms", test_many}, {"squares", test_squares}};
UNIT_MAIN("exact_sum", tests)
