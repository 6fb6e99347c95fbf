// SPDX-License-Identifier: MIT
// Small files of tests: made, and counted.
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "common/system/file.h"
#include "unit.h"

static inline void write_text(const char *path, const char *text)
{
    FILE *stream = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    fputs(text, stream);
    fclose(stream);
}

// What is in a folder, but for what is hidden.
static inline int count_files(const char *folder)
{
    int count = 0;
    DIR *stream = opendir(folder);
    for (const struct dirent *entry; stream && (entry = readdir(stream));)
        count += entry->d_name[0] != '.';
    if (stream)
        closedir(stream);
    return count;
}
