// SPDX-License-Identifier: MIT
// Any bytes as a configuration file.
#include <stdint.h>
#include <stdlib.h>

#include "common/config/config.h"
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct config config;
    char *text = NULL;
    config_init(&config);
    if (config_yaml_read(&config, "fuzz.yaml", bytes, size) == STATUS_OK && config_check(&config) == STATUS_OK &&
        config_to_string(&config, &text) == STATUS_OK)
        free(text);
    return 0;
}
