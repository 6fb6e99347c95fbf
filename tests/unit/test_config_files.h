// SPDX-License-Identifier: MIT
// Configurations in files that exist only for a moment.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config/config.h"
#include "unit.h"

// That `text` was refused, with a message that starts like this.
static inline void check_refusal(enum status rc, const char *text, const char *message)
{
    const bool right = rc == STATUS_USAGE && strncmp(status_message(), message, strlen(message)) == 0;
    CU_ASSERT(right);
    if (!right)
        printf("\n%s\n-> %d %s\ninstead of %s\n", text, (int)rc, status_message(), message);
}

static inline void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *stream = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    CU_ASSERT_EQUAL_FATAL(fwrite(bytes, 1, size, stream), size);
    CU_ASSERT_EQUAL_FATAL(fclose(stream), 0);
}

// config_load_file() of a file x.yaml that holds these bytes, so that messages start with "x.yaml:".
static inline enum status config_load_bytes(struct config *config, const void *bytes, size_t size)
{
    char folder[] = "test_yaml_XXXXXX", before[4096];
    CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(before, sizeof before));
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    CU_ASSERT_EQUAL_FATAL(chdir(folder), 0);
    write_file("x.yaml", bytes, size);
    enum status rc = config_load_file(config, "x.yaml");
    unlink("x.yaml");
    CU_ASSERT_EQUAL_FATAL(chdir(before), 0);
    rmdir(folder);
    return rc;
}

static inline enum status config_load_text(struct config *config, const char *text)
{
    return config_load_bytes(config, text, strlen(text));
}
