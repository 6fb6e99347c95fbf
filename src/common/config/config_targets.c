// SPDX-License-Identifier: MIT
#include "common/config/config_targets.h"

#include <string.h>

#include "common/config/config_number.h"

static const double WEIGHT_MAX = 1e6;
enum { CHANNEL_MAX = 65535, TARGET_TEXT_MAX = 1024 };

struct config_target *config_targets_add(struct config_targets *targets)
{
    if (targets->count == CONFIG_TARGETS_MAX) {
        (void)fail(STATUS_USAGE, "more than %d targets", CONFIG_TARGETS_MAX);
        return NULL;
    }
    struct config_target *target = &targets->items[targets->count++];
    memset(target, 0, sizeof *target);
    target->weight = 1;
    return target;
}

enum status config_target_set_layer(struct config_target *target, const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    char shown[CONFIG_EXCERPT_MAX];
    size_t length = strspn(text, allowed);
    if (length == 0 || length >= sizeof target->layer || text[length] != '\0')
        return fail(STATUS_USAGE, "'%s' is not the name of a layer (such as mixed3)", config_excerpt(text, shown));
    memset(target->layer, 0, sizeof target->layer);
    memcpy(target->layer, text, length);
    return STATUS_OK;
}

enum status config_target_set_weight(struct config_target *target, const char *text)
{
    enum status rc = config_parse_real(text, -WEIGHT_MAX, WEIGHT_MAX, &target->weight);
    return fail_in(rc, "weight");
}

enum status config_target_add_channel(struct config_target *target, const char *text)
{
    uint64_t channel = 0;
    enum status rc = config_parse_whole(text, SUFFIX_NONE, 0, CHANNEL_MAX, &channel);
    if (rc != STATUS_OK)
        return fail_in(rc, "channels");
    for (int i = 0; i < target->channel_count; i++)
        if (target->channels[i] == (int)channel)
            return fail(STATUS_USAGE, "channels: %d is there twice", (int)channel);
    if (target->channel_count == CONFIG_CHANNELS_MAX)
        return fail(STATUS_USAGE, "channels: more than %d (leave them out to take all)", CONFIG_CHANNELS_MAX);
    target->channels[target->channel_count++] = (int)channel;
    return STATUS_OK;
}

enum status config_target_add_place(struct config_target *target, const char *text)
{
    if (target->place_count == 2)
        return fail(STATUS_USAGE, "at: more than x and y");
    const enum status rc = config_parse_real(text, 0, 1, &target->place[target->place_count]);
    target->place_count += rc == STATUS_OK;
    return fail_in(rc, "at");
}

enum status config_target_check_place(struct config_target *target)
{
    return target->place_count == 1 ? fail(STATUS_USAGE, "at: x without y, as parts of the picture: 0.5 and 0.5 are its middle")
                                    : STATUS_OK;
}

enum status config_targets_append(struct config_targets *targets, const char *text)
{
    char copy[TARGET_TEXT_MAX];
    size_t length = strnlen(text, sizeof copy);
    if (length == sizeof copy)
        return fail(STATUS_USAGE, "a target of more than %d characters", TARGET_TEXT_MAX - 1);
    memcpy(copy, text, length + 1);

    struct config_target *target = config_targets_add(targets);
    if (!target)
        return STATUS_USAGE;
    char *weight = strchr(copy, ':');
    if (weight)
        *weight++ = '\0';
    char *place = strchr(copy, '@');
    if (place)
        *place++ = '\0';
    char *channels = strchr(copy, '#');
    if (channels)
        *channels++ = '\0';
    TRY(config_target_set_layer(target, copy));
    if (weight)
        TRY(config_target_set_weight(target, weight));
    while (channels) {
        char *channel = strsep(&channels, "+");
        TRY(config_target_add_channel(target, channel));
    }
    while (place) {
        char *part = strsep(&place, "/");
        TRY(config_target_add_place(target, part));
    }
    return config_target_check_place(target);
}

enum status config_targets_parse(struct config_targets *targets, const char *text)
{
    struct config_targets parsed;
    memset(&parsed, 0, sizeof parsed); // padding included: configurations are compared as bytes
    for (bool more = true; more;) {
        char item[TARGET_TEXT_MAX];
        size_t length = strcspn(text, ",");
        if (length >= sizeof item)
            return fail(STATUS_USAGE, "a target of more than %d characters", TARGET_TEXT_MAX - 1);
        memcpy(item, text, length);
        item[length] = '\0';
        TRY(config_targets_append(&parsed, item));
        more = text[length] == ',';
        text += length + more;
    }
    memcpy(targets, &parsed, sizeof parsed);
    return STATUS_OK;
}
