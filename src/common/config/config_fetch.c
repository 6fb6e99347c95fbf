// SPDX-License-Identifier: MIT
#include "common/config/config_fetch.h"

#include <string.h>

struct fetch_options config_fetch_options(const struct config *config)
{
    struct fetch_options options = fetch_defaults(config->input.max_bytes);
    options.connect_seconds = config->fetch.connect_seconds;
    options.stall_seconds = config->fetch.stall_seconds;
    options.total_seconds = config->fetch.total_seconds;
    options.attempts = config->fetch.attempts;
    options.user_agent = strcmp(config->fetch.user_agent, "auto") == 0 ? NULL : config->fetch.user_agent;
    options.header = strcmp(config->fetch.header, "none") == 0 ? NULL : config->fetch.header;
    options.header_host = strcmp(config->fetch.header_host, "any") == 0 ? NULL : config->fetch.header_host;
    return options;
}
