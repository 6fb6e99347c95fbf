// SPDX-License-Identifier: MIT
#include "common/config/config_value.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "common/config/config_number.h"
#include "common/config/config_targets.h"
#include "common/config/nearest.h"

static enum config_suffix suffix_of(const struct config_key *key)
{
    return key->type == CONFIG_TYPE_BYTES ? SUFFIX_BYTES : key->type == CONFIG_TYPE_COUNT ? SUFFIX_COUNT : SUFFIX_NONE;
}

static const struct config_word *find_word(const struct config_key *key, const char *text)
{
    for (const struct config_word *word = key->words; word && word->name; word++)
        if (strcmp(word->name, text) == 0)
            return word;
    return NULL;
}

static enum status fail_word(const struct config_key *key, const char *text)
{
    char shown[CONFIG_EXCERPT_MAX], hint[NEAREST_HINT_MAX], list[256] = "";
    struct nearest nearest;
    nearest_init(&nearest, text);
    size_t used = 0;
    for (const struct config_word *word = key->words; word->name; word++) {
        nearest_offer(&nearest, word->name);
        int more = snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", word->name);
        assert(more > 0 && (size_t)more < sizeof list - used);
        used += (size_t)more;
    }
    return fail(STATUS_USAGE, "'%s' is not one of %s%s", config_excerpt(text, shown), list, nearest_hint(&nearest, "", hint));
}

static enum status parse_bool(const char *text, bool *value)
{
    static const char *const yes[] = {"true", "yes", "on"}, *const no[] = {"false", "no", "off"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *value = strcasecmp(text, yes[i]) == 0;
            return STATUS_OK;
        }
    }
    char shown[CONFIG_EXCERPT_MAX];
    return fail(STATUS_USAGE, "'%s' is neither true nor false", config_excerpt(text, shown));
}

// UTF-8 without control characters and line breaks: what YAML can hold on one line as it is. Length of the character, 0 if it is none.
static size_t printable(const unsigned char *text)
{
    unsigned lead = text[0];
    if (lead < 0x80)
        return lead >= 0x20 && lead != 0x7f;
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    unsigned code = lead & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3fu);
    }
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    bool valid = code >= least[length] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    bool control = code < 0xa0 || code == 0x2028 || code == 0x2029 || code == 0xfeff || code == 0xfffe || code == 0xffff;
    return valid && !control ? length : 0;
}

static enum status parse_text(const struct config_key *key, const char *text, char *value)
{
    size_t length = strnlen(text, key->size);
    if (length == key->size)
        return fail(STATUS_USAGE, "longer than %zu bytes", key->size - 1);
    for (size_t i = 0, step; i < length; i += step) {
        step = printable((const unsigned char *)text + i);
        if (step == 0)
            return fail(STATUS_USAGE, "holds a control character, or is not UTF-8, at byte %zu", i + 1);
    }
    memset(value, 0, key->size); // configurations are compared as bytes
    memcpy(value, text, length);
    return STATUS_OK;
}

enum { WORDS_TEXT_MAX = 64 };

// "auto or exact": the words of a key that takes a number, too.
static const char *list_words(const struct config_key *key, char text[WORDS_TEXT_MAX])
{
    size_t used = 0;
    text[0] = '\0';
    for (const struct config_word *word = key->words; word->name && used < WORDS_TEXT_MAX; word++)
        used += (size_t)snprintf(text + used, WORDS_TEXT_MAX - used, "%s%s", used ? " or " : "", word->name);
    return text;
}

static enum status parse_whole(const struct config_key *key, const char *text, void *field)
{
    const struct config_word *word = find_word(key, text);
    uint64_t value = word ? (uint64_t)word->value : 0;
    if (!word) {
        enum status rc = config_parse_whole(text, suffix_of(key), key->least, key->most, &value);
        char words[WORDS_TEXT_MAX];
        if (rc != STATUS_OK)
            return key->words ? fail(rc, "%s (or %s)", status_message(), list_words(key, words)) : rc;
    }
    if (key->type == CONFIG_TYPE_INT)
        *(int *)field = (int)value;
    else
        *(uint64_t *)field = value;
    return STATUS_OK;
}

enum status config_value_parse(struct config *config, const struct config_key *key, const char *text)
{
    void *field = (char *)config + key->offset;
    if (text[0] == '\0')
        return fail(STATUS_USAGE, "has no value");
    const struct config_word *word = find_word(key, text);
    switch (key->type) {
    case CONFIG_TYPE_BOOL:
        return parse_bool(text, field);
    case CONFIG_TYPE_WORD:
        if (!word)
            return fail_word(key, text);
        *(int *)field = word->value; // an enum without negative values; same size and representation as int
        return STATUS_OK;
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_UINT64:
    case CONFIG_TYPE_COUNT:
    case CONFIG_TYPE_BYTES:
        return parse_whole(key, text, field);
    case CONFIG_TYPE_REAL:
        return config_parse_real(text, key->low, key->high, field);
    case CONFIG_TYPE_TEXT:
        return parse_text(key, text, field);
    case CONFIG_TYPE_TARGETS:
        return config_targets_parse(field, text);
    }
    return fail(STATUS_INTERNAL, "%s: a type that is not known", key->name);
}

static void print_number_or_word(const struct config_key *key, uint64_t value, FILE *stream)
{
    char text[CONFIG_NUMBER_MAX];
    for (const struct config_word *word = key->words; word && word->name; word++) {
        if ((uint64_t)word->value == value) {
            fputs(word->name, stream);
            return;
        }
    }
    fputs(config_format_whole(value, suffix_of(key), text), stream);
}

static void print_text(const char *text, FILE *stream)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./";
    if (text[strspn(text, plain)] == '\0') {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', stream);
        fputc(*text, stream);
    }
    fputc('"', stream);
}

static void print_targets(const struct config_targets *targets, int indent, FILE *stream)
{
    char weight[CONFIG_NUMBER_MAX], number[CONFIG_NUMBER_MAX];
    for (int i = 0; i < targets->count; i++) {
        const struct config_target *target = &targets->items[i];
        fprintf(stream, "\n%*s- {layer: %s, weight: %s", indent, "", target->layer, config_format_real(target->weight, weight));
        for (int k = 0; k < target->channel_count; k++)
            fprintf(stream, "%s%d", k ? ", " : ", channels: [", target->channels[k]);
        fputs(target->channel_count ? "]" : "", stream);
        for (int k = 0; k < target->place_count; k++)
            fprintf(stream, "%s%s", k ? ", " : ", at: [", config_format_real(target->place[k], number));
        fputs(target->place_count ? "]}" : "}", stream);
    }
}

void config_value_print(const struct config *config, const struct config_key *key, int indent, FILE *stream)
{
    const void *field = (const char *)config + key->offset;
    char number[CONFIG_NUMBER_MAX];
    switch (key->type) {
    case CONFIG_TYPE_BOOL:
        fputs(*(const bool *)field ? "true" : "false", stream);
        break;
    case CONFIG_TYPE_WORD:
    case CONFIG_TYPE_INT:
        print_number_or_word(key, (uint64_t) * (const int *)field, stream);
        break;
    case CONFIG_TYPE_UINT64:
    case CONFIG_TYPE_COUNT:
    case CONFIG_TYPE_BYTES:
        print_number_or_word(key, *(const uint64_t *)field, stream);
        break;
    case CONFIG_TYPE_REAL:
        fputs(config_format_real(*(const double *)field, number), stream);
        break;
    case CONFIG_TYPE_TEXT:
        print_text(field, stream);
        break;
    case CONFIG_TYPE_TARGETS:
        print_targets(field, indent, stream);
        break;
    }
}

void config_value_print_range(const struct config_key *key, FILE *stream)
{
    char low[CONFIG_NUMBER_MAX], high[CONFIG_NUMBER_MAX];
    const char *between = key->type == CONFIG_TYPE_WORD ? " | " : ", ";
    for (const struct config_word *word = key->words; word && word->name; word++)
        fprintf(stream, "%s%s", word == key->words ? "" : between, word->name);
    const char *start = key->words ? ", " : "";
    switch (key->type) {
    case CONFIG_TYPE_BOOL:
        fputs("true | false", stream);
        break;
    case CONFIG_TYPE_WORD:
        break;
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_UINT64:
    case CONFIG_TYPE_COUNT:
    case CONFIG_TYPE_BYTES:
        config_format_whole(key->least, suffix_of(key), low);
        fprintf(stream, "%s%s..%s", start, low, config_format_whole(key->most, suffix_of(key), high));
        break;
    case CONFIG_TYPE_REAL:
        config_format_real(key->low, low);
        fprintf(stream, "%s..%s", low, config_format_real(key->high, high));
        break;
    case CONFIG_TYPE_TEXT:
        fputs(key->takes, stream);
        break;
    case CONFIG_TYPE_TARGETS:
        fputs("LAYER[#CHANNEL+CHANNEL...][@X/Y][:WEIGHT],...", stream);
        break;
    }
}
