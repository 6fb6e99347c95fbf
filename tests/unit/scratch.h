// SPDX-License-Identifier: MIT
// A folder of a test's own, removed with everything in it at the end.
#pragma once

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static char scratch[] = "/tmp/oneiros-test-XXXXXX";

static inline int scratch_remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info, (void)kind, (void)place;
    return remove(path);
}

static inline void scratch_remove(void)
{
    nftw(scratch, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline bool scratch_create(void)
{
    return mkdtemp(scratch) != NULL;
}

// UNIT_MAIN with the folder.
#define SCRATCH_MAIN(suite, tests)                                                                                                         \
    int main(void)                                                                                                                         \
    {                                                                                                                                      \
        if (!scratch_create())                                                                                                             \
            return 1;                                                                                                                      \
        const int failed = unit_run(suite, tests, sizeof tests / sizeof tests[0]);                                                         \
        scratch_remove();                                                                                                                  \
        return failed;                                                                                                                     \
    }
