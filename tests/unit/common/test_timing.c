// SPDX-License-Identifier: MIT
#include "common/wire/timing.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "common/system/clock.h"
#include "common/wire/run_rows.h"
#include "unit.h"

static void test_names(void)
{
    for (enum phase a = 0; a < PHASE_COUNT; a++) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(phase_name(a));
        CU_ASSERT(phase_name(a)[0] && strlen(phase_name(a)) < ROW_PHASE_MAX); // the run file's column cuts longer ones off
        for (enum phase b = 0; b < a; b++)
            CU_ASSERT_STRING_NOT_EQUAL(phase_name(a), phase_name(b));
    }
    CU_ASSERT_STRING_EQUAL(phase_name(PHASE_FETCH), "fetch");
    CU_ASSERT_STRING_EQUAL(phase_name(PHASE_EXCHANGE), "exchange");
    CU_ASSERT_STRING_EQUAL(phase_name(PHASE_SHAPE), "shape");
}

// One phase after the other, each starting where the last one ended: no time is lost, none counted twice.
static void test_laps(void)
{
    struct timing timing = {0};
    const double start = now();
    usleep(20000);
    const double forward = timing_add(&timing, PHASE_FORWARD, start, 0);
    const double exchange = timing_add(&timing, PHASE_EXCHANGE, forward, 3LL << 32);
    usleep(10000);
    const double again = timing_add(&timing, PHASE_FORWARD, exchange, 7);
    const double end = now();

    CU_ASSERT(start < forward && forward <= exchange && exchange < again && again <= end);
    CU_ASSERT_EQUAL(timing.phases[PHASE_FORWARD].count, 2);
    CU_ASSERT_EQUAL(timing.phases[PHASE_FORWARD].bytes, 7);
    CU_ASSERT_EQUAL(timing.phases[PHASE_EXCHANGE].count, 1);
    CU_ASSERT_EQUAL(timing.phases[PHASE_EXCHANGE].bytes, 3LL << 32);
    CU_ASSERT(timing.phases[PHASE_FORWARD].seconds >= 0.03);
    CU_ASSERT(fabs(timing.phases[PHASE_FORWARD].seconds + timing.phases[PHASE_EXCHANGE].seconds - (again - start)) < 1e-9);

    timing.phases[PHASE_FORWARD].count = timing.phases[PHASE_EXCHANGE].count = 0;
    for (enum phase phase = 0; phase < PHASE_COUNT; phase++) // the others are as they were
        CU_ASSERT(timing.phases[phase].count == 0 && (phase == PHASE_FORWARD || phase == PHASE_EXCHANGE ||
                                                      (timing.phases[phase].seconds == 0 && timing.phases[phase].bytes == 0)));
}

// Everything of both, and nothing of the second one changes.
static void test_merge(void)
{
    struct timing to = {0}, from = {0};
    for (enum phase phase = 0; phase < PHASE_COUNT; phase++) {
        to.phases[phase].seconds = 1 + phase;
        to.phases[phase].count = 10 + phase;
        to.phases[phase].bytes = 100 + phase;
        from.phases[phase].seconds = 2 * phase;
        from.phases[phase].count = 3 * phase;
        from.phases[phase].bytes = 4 * phase;
    }
    timing_merge(&to, &from);
    for (enum phase phase = 0; phase < PHASE_COUNT; phase++) {
        CU_ASSERT(to.phases[phase].seconds == 1 + 3 * (double)phase && to.phases[phase].count == 10 + 4 * (int64_t)phase);
        CU_ASSERT(to.phases[phase].bytes == 100 + 5 * (int64_t)phase && from.phases[phase].bytes == 4 * (int64_t)phase);
    }
}

static const struct unit_test tests[] = {
    {"names", test_names},
    {"laps", test_laps},
    {"merge", test_merge},
};
UNIT_MAIN("timing", tests)
