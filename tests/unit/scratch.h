// SPDX-License-Identifier: MIT
// A folder of a test's own, removed with everything in it at the end.
#pragma once

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

// Also where the folder of the test before has gone.
static inline bool scratch_create(void)
{
    memset(scratch + sizeof scratch - sizeof "XXXXXX", 'X', sizeof "XXXXXX" - 1);
    return mkdtemp(scratch) != NULL;
}

// UNIT_MAIN (unit.h) of tests that need the folder.
#define UNIT_MAIN_IN_SCRATCH(suite, tests)                                                                                                 \
    int main(void)                                                                                                                         \
    {                                                                                                                                      \
        const int rc = scratch_create() ? unit_run(suite, tests, sizeof tests / sizeof tests[0]) : 1;                                      \
        scratch_remove();                                                                                                                  \
        return rc;                                                                                                                         \
    }

// The path of a name in it, until the fourth call after this one.
static inline const char *in_scratch(const char *name)
{
    static char paths[4][4096];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", scratch, name);
    return path;
}
