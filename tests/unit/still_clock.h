// SPDX-License-Identifier: MIT
// The clock of the code under test, in place of common/system/clock.c's: it stands still until the test puts it forward.
#ifndef ONEIROS_TESTS_STILL_CLOCK_H
#define ONEIROS_TESTS_STILL_CLOCK_H

#include "common/system/clock.h"

static double still_clock = 1000; // s

double now(void)
{
    return still_clock;
}

static inline void let_pass(double seconds)
{
    still_clock += seconds;
}

#endif
