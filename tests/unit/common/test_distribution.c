// SPDX-License-Identifier: MIT
// Distributions against plain loops and against what SciPy says; tests/reference/summary.py compares those of whole runs.
#include "common/numbers/distribution.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/rng.h"
#include "unit.h"

static bool near(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance * fmax(1, fabs(b));
}

// scipy.stats.t.ppf(0.975, freedom)
static void test_student(void)
{
    static const struct {
        int64_t freedom;
        double expected;
    } cases[] = {{1, 12.706204736432095},   {2, 4.302652729911275},     {3, 3.182446305284263},
                 {4, 2.7764451051977987},   {5, 2.5705818366147395},    {30, 2.0422724563012373},
                 {999, 1.9623414611334487}, {1000, 1.9623390808264074}, {1000000, 1.9599663568141066}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CU_ASSERT(near(student_t_95(cases[i].freedom), cases[i].expected, 1e-9));
    for (int64_t freedom = 1; freedom < 1100; freedom++)
        CU_ASSERT(student_t_95(freedom) > student_t_95(freedom + 1));
}

// numpy.quantile([3, 1, 10, 4], q), numpy.std(..., ddof=1), scipy.stats.t.interval(0.95, 3, 4.5, scipy.stats.sem(...))
static void test_known(void)
{
    double numbers[] = {3, NAN, 1, 10, INFINITY, 4, -INFINITY};
    const struct distribution d = distribution_of(numbers, 7);
    CU_ASSERT_EQUAL(d.moments.count, 4);
    CU_ASSERT_EQUAL(d.moments.mean, 4.5);
    CU_ASSERT(near(d.moments.deviation, 3.8729833462074170, 1e-15));
    CU_ASSERT(near(d.moments.low, -1.6627807702826374, 1e-9));
    CU_ASSERT(near(d.moments.high, 10.662780770282637, 1e-9));
    CU_ASSERT(d.smallest == 1 && d.largest == 10 && d.median == 3.5);
    CU_ASSERT(near(d.q05, 1.3, 1e-15) && near(d.q25, 2.5, 1e-15) && near(d.q75, 5.5, 1e-15) && near(d.q95, 9.1, 1e-15));
}

static void test_few(void)
{
    double one[] = {7};
    const struct distribution none = distribution_of(NULL, 0), single = distribution_of(one, 1);
    CU_ASSERT(none.moments.count == 0 && isnan(none.moments.mean) && isnan(none.median) && isnan(none.largest));
    CU_ASSERT(single.moments.count == 1 && single.moments.mean == 7 && isnan(single.moments.deviation) && isnan(single.moments.low));
    CU_ASSERT(single.smallest == 7 && single.q05 == 7 && single.median == 7 && single.largest == 7);
}

static void test_order(void)
{
    enum { COUNT = 501 };
    double numbers[COUNT], shuffled[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        const struct rng_block random = rng_philox(5, (uint32_t[4]){i});
        numbers[i] =
            i % 50 == 0 ? (i % 100 ? 0.0 : -0.0) : ldexp((double)random.values[0] - 2147483648.0, (int)(random.values[1] % 40) - 30);
    }
    for (int i = 0; i < COUNT; i++)
        shuffled[i] = numbers[i * 17 % COUNT];
    const struct distribution a = distribution_of(numbers, COUNT), b = distribution_of(shuffled, COUNT);
    CU_ASSERT_EQUAL(memcmp(&a, &b, sizeof a), 0);
    CU_ASSERT_EQUAL(a.moments.count, COUNT);
}

static const struct unit_test tests[] = {
    {"Student's t", test_student}, {"known ones", test_known}, {"few", test_few}, {"any order", test_order}};
UNIT_MAIN("distribution", tests)
