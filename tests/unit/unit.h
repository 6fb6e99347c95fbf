// SPDX-License-Identifier: MIT
// A CUnit program in two lines: a table of tests and UNIT_MAIN(suite, table).
#pragma once

#include <CUnit/Basic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/system/status.h"

struct unit_test {
    const char *name;
    void (*run)(void);
};

// CU_ASSERT on a status, printing the message of an unexpected failure.
static inline int unit_ok(enum status rc, const char *call, const char *file, int line)
{
    if (rc != STATUS_OK)
        printf("\n%s:%d: %s: status %d: %s\n", file, line, call, (int)rc, status_message());
    return rc == STATUS_OK;
}
#define UNIT_OK(call) CU_ASSERT_FATAL(unit_ok((call), #call, __FILE__, __LINE__))

// That the call fails with this status, and its message holds these words.
static inline int unit_fails(enum status rc, enum status want, const char *words, const char *call, const char *file, int line)
{
    const int right = rc == want && strstr(status_message(), words);
    if (!right)
        printf("\n%s:%d: %s: status %d: %s\n", file, line, call, (int)rc, rc == STATUS_OK ? "" : status_message());
    return right;
}
#define UNIT_FAILS(call, want, words) CU_ASSERT(unit_fails((call), want, words, #call, __FILE__, __LINE__))

// How many of a test's `all` equal cases to run: under an emulator and beside a sanitizer, where each takes up to a
// hundred times as long, the first `few` will do.
static inline int unit_cases(int all, int few)
{
#if defined TEST_EMULATED || defined __SANITIZE_ADDRESS__
    return few < all ? few : all;
#else
    return few < all ? all : few;
#endif
}

// Whether case `number` of many that are alike is left out: there three in four, here none.
static inline bool unit_skips(size_t number)
{
    return number % (size_t)(4 / unit_cases(4, 1)) != 0;
}

static inline int unit_run(const char *suite_name, const struct unit_test *tests, size_t count)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    CU_pSuite suite = CU_add_suite(suite_name, NULL, NULL);
    if (!suite)
        return 1;
    for (size_t i = 0; i < count; i++)
        if (!CU_add_test(suite, tests[i].name, tests[i].run))
            return 1;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_failures() + (CU_get_number_of_tests_run() != count);
    CU_cleanup_registry();
    return failures != 0;
}

#define UNIT_MAIN(suite, tests)                                                                                                            \
    int main(void)                                                                                                                         \
    {                                                                                                                                      \
        return unit_run(suite, tests, sizeof tests / sizeof tests[0]);                                                                     \
    }
