// SPDX-License-Identifier: MIT
#include "common/config/channel_input.h"

#include <stdio.h>
#include <string.h>

#include "common/config/config_targets.h"

static const char prefix[] = "channel:";

bool channel_input_is_named(const char *text)
{
    return strncmp(text, prefix, sizeof prefix - 1) == 0;
}

enum status channel_input_parse(const char *text, const struct config *config, int *target, int *channel)
{
    struct config_targets one = {0};
    const struct config_target *wanted = &one.items[0];
    char name[CONFIG_NAME_MAX + 16];
    bool right = channel_input_is_named(text) && config_targets_parse(&one, text + sizeof prefix - 1) == STATUS_OK && one.count == 1 &&
                 wanted->channel_count == 1 && wanted->lowered_count == 0 && !wanted->place_count && wanted->weight == 1;
    if (right) // one name for each: "#012" and "#12:1" would be other pictures
        snprintf(name, sizeof name, "%s#%d", wanted->layer, wanted->channels[0]);
    if (!right || strcmp(name, text + sizeof prefix - 1) != 0)
        return fail(STATUS_USAGE, "a channel is named as channel:mixed4#12 (a file of this name: ./%s)", text);
    for (*target = 0; *target < config->targets.count; ++*target)
        if (strcmp(config->targets.items[*target].layer, wanted->layer) == 0) {
            *channel = wanted->channels[0];
            return STATUS_OK;
        }
    return fail(STATUS_USAGE, "no target is of the layer %s: name it in targets", wanted->layer);
}
