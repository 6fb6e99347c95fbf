// SPDX-License-Identifier: MIT
#include "common/config/config_targets.h"

#include <stdio.h>
#include <string.h>

#include "common/config/config_value.h"
#include "common/system/text.h"

static const double WEIGHT_MAX = 1e6, OCTAVES_TOLERANCE = 0.005;
enum { CHANNEL_MAX = 1000000, /* more than any layer has, which others check */ AUTOMATIC = 8, TARGET_TEXT_MAX = 1024 };

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
    if (text[0] >= '0' && text[0] <= '9')
        return fail(STATUS_USAGE, "'%s' is not the name of a layer; channels are joined with +, as in mixed4#12+45",
                    text_excerpt(text, shown));
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

static bool has(const int *channels, int count, int channel)
{
    int i = 0;
    while (i < count && channels[i] != channel)
        i++;
    return i < count;
}

static enum status add_to(struct config_target *target, int *channels, int *count, const char *text)
{
    uint64_t channel = 0;
    TRY(config_parse_whole(text, CONFIG_TYPE_INT, 0, CHANNEL_MAX, &channel));
    const bool raised = has(target->channels, target->channel_count, (int)channel),
               lowered = has(target->lowered, target->lowered_count, (int)channel);
    if (raised || lowered)
        return fail(STATUS_USAGE, raised == (channels == target->channels) ? "%d is there twice" : "%d is both raised and lowered",
                    (int)channel);
    if (*count == CONFIG_CHANNELS_MAX)
        return fail(STATUS_USAGE, "more than %d (leave them out to take all)", CONFIG_CHANNELS_MAX);
    channels[(*count)++] = (int)channel;
    return STATUS_OK;
}

static enum status add_channel(struct config_target *target, const char *text)
{
    if (strncmp(text, "auto", 4) == 0)
        return set_automatic(target, text);
    return fail_in(add_to(target, target->channels, &target->channel_count, text), "channels");
}

static enum status add_lowered(struct config_target *target, const char *text)
{
    return fail_in(add_to(target, target->lowered, &target->lowered_count, text), "lowered");
}

// "12+45-3": a sign between two channels is that of the second.
static enum status add_signed_channels(struct config_target *target, char *text)
{
    for (bool more = true; more;) {
        const bool lowers = *text == '-';
        char *number = text + lowers;
        text = number + strcspn(number, "+-");
        const char mark = *text;
        *text = '\0';
        const enum status rc = lowers ? add_lowered(target, number) : add_channel(target, number);
        if (rc != STATUS_OK)
            return fail(rc, "%s (channels are written as #12+45, #12-45 where 45 is lowered, or #auto8)", status_message());
        *text = mark;
        text += mark == '+';
        more = mark != '\0';
    }
    return STATUS_OK;
}

// The first of two parts, then the other.
static enum status add_part(double parts[2], int *count, const char *text, const char *field, const char *both)
{
    if (*count == 2)
        return fail(STATUS_USAGE, "%s: more than %s", field, both);
    const enum status rc = config_parse_real(text, 0, 1, &parts[*count]);
    *count += rc == STATUS_OK;
    return fail_in(rc, "%s", field);
}

static enum status add_place(struct config_target *target, const char *text)
{
    return add_part(target->place, &target->place_count, text, "at", "x and y");
}

static enum status add_octave(struct config_target *target, const char *text)
{
    return add_part(target->octaves, &target->octave_count, text, "octaves", "the first and the last");
}

// "0..0.5"
static enum status add_octaves(struct config_target *target, char *text)
{
    char *to = strstr(text, "..");
    if (to)
        *to = '\0';
    TRY(add_octave(target, text));
    return to ? add_octave(target, to + 2) : STATUS_OK;
}

const struct config_target_field config_target_fields[CONFIG_TARGET_FIELDS] = {
    {"layer", NULL, set_layer},           {"weight", NULL, set_weight},    {"channels", "[12, 45]", add_channel},
    {"lowered", "[12, 45]", add_lowered}, {"at", "[0.5, 0.5]", add_place}, {"octaves", "[0, 0.5]", add_octave}};

enum status config_target_check(const struct config_target *target)
{
    if (!target->layer[0])
        return fail(STATUS_USAGE, "a target without its layer");
    if (target->automatic && (target->channel_count || target->lowered_count))
        return fail(STATUS_USAGE, "channels: auto and numbers: take one of them");
    if (target->place_count == 1)
        return fail(STATUS_USAGE, "at: x without y, as parts of the picture: 0.5 and 0.5 are its middle");
    if (target->octave_count == 1)
        return fail(STATUS_USAGE, "octaves: the first without the last, as parts of the way from the smallest (0) to full size (1)");
    if (target->octaves[0] > target->octaves[1])
        return fail(STATUS_USAGE, "octaves: the first, %g, is behind the last, %g", target->octaves[0], target->octaves[1]);
    return STATUS_OK;
}

// NULL of NULL.
static char *trim(char *text)
{
    if (!text)
        return NULL;
    text += strspn(text, " ");
    for (size_t length = strlen(text); length > 0 && text[length - 1] == ' ';)
        text[--length] = '\0';
    return text;
}

static bool holds(const char *text, const char *marks)
{
    return text && strpbrk(text, marks);
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
    char *weight = copy, *octaves = copy, *place = copy, *channels = copy; // what is behind each mark; NULL without it
    strsep(&weight, ":");
    strsep(&octaves, "%");
    strsep(&place, "@");
    strsep(&channels, "#");
    if (holds(weight, "#@%") || holds(octaves, "#@") || holds(place, "#"))
        return fail(STATUS_USAGE,
                    "the order of a target's parts is LAYER#CHANNELS@X/Y%%FROM..TO:WEIGHT, such as mixed4#12@0.5/0.5%%0..0.5:1");
    weight = trim(weight);
    octaves = trim(octaves);
    place = trim(place);
    channels = trim(channels);
    TRY(set_layer(target, trim(copy)));
    if (weight)
        TRY(set_weight(target, weight));
    if (channels)
        TRY(add_signed_channels(target, channels));
    while (place)
        TRY(add_place(target, strsep(&place, "/")));
    if (octaves)
        TRY(add_octaves(target, octaves));
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

bool config_target_counts(const struct config_target *target, int octave, int count)
{
    const double at = count > 1 ? (double)octave / (count - 1) : 0;
    return count <= 1 || !target->octave_count ||
           (at >= target->octaves[0] - OCTAVES_TOLERANCE && at <= target->octaves[1] + OCTAVES_TOLERANCE);
}
