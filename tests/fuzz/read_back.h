// SPDX-License-Identifier: MIT
// Whatever settings there are: their text as a run keeps it is read back to the same ones.
#pragma once

#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"

static inline void read_back(const struct config *config)
{
    struct config read;
    char *text = NULL;
    if (config_to_string(config, &text) != STATUS_OK)
        abort();
    config_init(&read);
    if (config_yaml_read(&read, "read_back.yaml", text, strlen(text)) != STATUS_OK || memcmp(&read, config, sizeof read) != 0)
        abort();
    free(text);
}
