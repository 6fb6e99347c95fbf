// SPDX-License-Identifier: MIT
// A program called npm, first on the PATH, that does what a test says: what `npm pack` is when the registry is not to be asked.
// It gets: pack NAME@VERSION --pack-destination FOLDER ...
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/file.h"
#include "scratch.h"
#include "unit.h"

// `script`: lines of /bin/sh; NULL: no npm at all.
static inline void fake_npm(const char *script)
{
    char folder[FILE_PATH_MAX], path[FILE_PATH_MAX];
    UNIT_OK(file_join(folder, scratch, "bin"));
    UNIT_OK(file_join(path, folder, "npm"));
    UNIT_OK(file_make_folder(folder));
    setenv("PATH", folder, 1);
    remove(path);
    if (!script)
        return;
    FILE *stream = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    fprintf(stream, "#!/bin/sh\n%s\n", script);
    fclose(stream);
    CU_ASSERT_EQUAL(chmod(path, 0700), 0);
}
