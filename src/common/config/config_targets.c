// SPDX-License-Identifier: MIT
#include "common/config/config_targets.h"

#include <stdio.h>
#include <string.h>

#include "common/config/config_value.h"
#include "common/system/text.h"

static const double WEIGHT_MAX = 1e6;
enum { CHANNEL_MAX = 65535, AUTOMATIC = 8, TARGET_TEXT_MAX = 1024 };

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

static enum status set_layer(struct config_target *target, const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    char shown[TEXT_EXCERPT_MAX];
    size_t length = strspn(text, allowed);
    if (length == 0 || length >= sizeof target->layer || text[length] != '\0')
        return fail(STATUS_USAGE, "'%s' is not the name of a layer (such as mixed3)", text_excerpt(text, shown));
    memset(target->layer, 0, sizeof target->layer);
    memcpy(target->layer, text, length);
    return STATUS_OK;
}

static enum status set_weight(struct config_target *target, const char *text)
{
    return fail_in(config_parse_real(text, -WEIGHT_MAX, WEIGHT_MAX, &target->weight), "weight");
}

// "auto", or "auto12": so many channels that the picture chooses by itself.
static enum status set_automatic(struct config_target *target, const char *text)
{
    static const char word[] = "auto";
    const char *number = text + sizeof word - 1;
    uint64_t count = AUTOMATIC;
    if (target->automatic)
        return fail(STATUS_USAGE, "channels: auto is there twice");
    if (*number)
        TRY(fail_in(config_parse_whole(number, CONFIG_TYPE_INT, 1, CHANNEL_MAX, &count), "channels: auto"));
    target->automatic = (int)count;
    return STATUS_OK;
}

static enum status add_channel(struct config_target *target, const char *text)
{
    if (strncmp(text, "auto", 4) == 0)
        return set_automatic(target, text);
    uint64_t channel = 0;
    TRY(fail_in(config_parse_whole(text, CONFIG_TYPE_INT, 0, CHANNEL_MAX, &channel), "channels"));
    for (int i = 0; i < target->channel_count; i++)
        if (target->channels[i] == (int)channel)
            return fail(STATUS_USAGE, "channels: %d is there twice", (int)channel);
    if (target->channel_count == CONFIG_CHANNELS_MAX)
        return fail(STATUS_USAGE, "channels: more than %d (leave them out to take all)", CONFIG_CHANNELS_MAX);
    target->channels[target->channel_count++] = (int)channel;
    return STATUS_OK;
}

// x, then y.
static enum status add_place(struct config_target *target, const char *text)
{
    if (target->place_count == 2)
        return fail(STATUS_USAGE, "at: more than x and y");
    const enum status rc = config_parse_real(text, 0, 1, &target->place[target->place_count]);
    target->place_count += rc == STATUS_OK;
    return fail_in(rc, "at");
}

const struct config_target_field config_target_fields[CONFIG_TARGET_FIELDS] = {
    {"layer", false, set_layer}, {"weight", false, set_weight}, {"channels", true, add_channel}, {"at", true, add_place}};

enum status config_target_check(const struct config_target *target)
{
    if (!target->layer[0])
        return fail(STATUS_USAGE, "a target without its layer");
    if (target->automatic && target->channel_count)
        return fail(STATUS_USAGE, "channels: auto and numbers: take one of them");
    if (target->place_count == 1)
        return fail(STATUS_USAGE, "at: x without y, as parts of the picture: 0.5 and 0.5 are its middle");
    return STATUS_OK;
}

enum status config_targets_append(struct config_targets *targets, const char *text, size_t length)
{
    char copy[TARGET_TEXT_MAX];
    if (length >= sizeof copy)
        return fail(STATUS_USAGE, "a target of more than %d characters", TARGET_TEXT_MAX - 1);
    snprintf(copy, sizeof copy, "%.*s", (int)length, text);
    struct config_target *target = config_targets_add(targets);
    if (!target)
        return STATUS_USAGE;
    char *weight = copy, *place = copy, *channels = copy; // what is behind each mark; NULL without it
    strsep(&weight, ":");
    strsep(&place, "@");
    strsep(&channels, "#");
    TRY(set_layer(target, copy));
    if (weight)
        TRY(set_weight(target, weight));
    while (channels)
        TRY(add_channel(target, strsep(&channels, "+")));
    while (place)
        TRY(add_place(target, strsep(&place, "/")));
    return config_target_check(target);
}

enum status config_targets_parse(struct config_targets *targets, const char *text)
{
    struct config_targets parsed;
    memset(&parsed, 0, sizeof parsed); // padding included: configurations are compared as bytes
    do {
        const size_t length = strcspn(text, ",");
        TRY(config_targets_append(&parsed, text, length));
        text += length + 1;
    } while (text[-1] == ',');
    memcpy(targets, &parsed, sizeof parsed);
    return STATUS_OK;
}
