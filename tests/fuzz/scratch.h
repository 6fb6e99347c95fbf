// SPDX-License-Identifier: MIT
// Files of a target's own, in memory: what is tested waits for the disk with each file that it writes.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SCRATCH_PATH = 64 };

// The same in every call of a process, and no other's.
static inline void scratch_path(char path[SCRATCH_PATH], const char *name)
{
    snprintf(path, SCRATCH_PATH, "/dev/shm/oneiros-fuzz-%d%s", (int)getpid(), name);
}

static inline void scratch_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        abort();
}
