// SPDX-License-Identifier: MIT
// Any text as KEY=VALUE of -s, one a line. What has been taken is read back from the configuration's own text.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"
#include "read_back.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct config config;
    char *text = strndup((const char *)bytes, size), *rest = text;
    config_init(&config);
    for (char *line; text && (line = strsep(&rest, "\n"));)
        (void)!config_set(&config, line);
    (void)!config_check(&config);
    free(text);
    read_back(&config);
    return 0;
}
