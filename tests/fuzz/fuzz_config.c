// SPDX-License-Identifier: MIT
// Any bytes as a configuration file. What has been taken is read back from the configuration's own text.
#include <stdint.h>
#include <stdlib.h>

#include "common/config/config.h"
#include "read_back.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct config config;
    config_init(&config);
    if (config_yaml_read(&config, "fuzz.yaml", bytes, size) == STATUS_OK && config_check(&config) == STATUS_OK)
        read_back(&config);
    return 0;
}
