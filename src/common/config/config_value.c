// SPDX-License-Identifier: MIT
#include "common/config/config_value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/config/config_targets.h"
#include "common/config/nearest.h"
#include "common/net/url.h"
#include "common/system/text.h"

enum { NUMBER_MAX = 32 };
static const char letters[] = "KMGTP";

// The shortest text that parses back to the same number; returns `out`.
static const char *format_whole(uint64_t value, enum config_type type, char out[NUMBER_MAX])
{
    uint64_t base = type == CONFIG_TYPE_BYTES ? 1024 : 1000;
    size_t power = 0; // of the base, divided out of the value
    while ((type == CONFIG_TYPE_COUNT || type == CONFIG_TYPE_BYTES) && value > 0 && value % base == 0 && power < sizeof letters - 1) {
        value /= base;
        power++;
    }
    if (power == 0)
        snprintf(out, NUMBER_MAX, "%" PRIu64, value);
    else
        snprintf(out, NUMBER_MAX, "%" PRIu64 "%c%s", value, letters[power - 1], type == CONFIG_TYPE_BYTES ? "iB" : "");
    return out;
}

static const char *format_real(double value, char out[NUMBER_MAX])
{
    for (int digits = 10; digits <= 17; digits++) {
        snprintf(out, NUMBER_MAX, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    return out;
}

// What a suffix multiplies by; 0 for one that is not known.
static uint64_t suffix_scale(const char *text, enum config_type type)
{
    if (text[0] == '\0' || (type == CONFIG_TYPE_BYTES && strcmp(text, "B") == 0))
        return 1;
    const char *letter = strchr(letters, toupper((unsigned char)text[0])), *rest = text + 1;
    const bool bytes = type == CONFIG_TYPE_BYTES;
    uint64_t base = 0;
    if (bytes && (*rest == '\0' || strcasecmp(rest, "iB") == 0))
        base = 1024;
    else if (bytes ? strcasecmp(rest, "B") == 0 : type == CONFIG_TYPE_COUNT && *rest == '\0')
        base = 1000;
    if (!letter)
        return 0;
    uint64_t scale = base;
    for (const char *smaller = letters; smaller < letter; smaller++)
        scale *= base;
    return scale;
}

enum status config_parse_whole(const char *text, enum config_type type, uint64_t least, uint64_t most, uint64_t *value)
{
    char shown[TEXT_EXCERPT_MAX], low[NUMBER_MAX], high[NUMBER_MAX];
    format_whole(least, type, low);
    format_whole(most, type, high);
    bool negative = text[0] == '-';
    const char *digits = text + negative;
    size_t count = strspn(digits, "0123456789");
    uint64_t scale = suffix_scale(digits + count, type);
    if (count == 0 || scale == 0)
        return fail(STATUS_USAGE, "'%s' is not a whole number in %s..%s", text_excerpt(text, shown), low, high);
    errno = 0;
    uint64_t number = strtoull(digits, NULL, 10);
    bool overflow = errno == ERANGE || __builtin_mul_overflow(number, scale, &number);
    if (overflow || negative || number < least || number > most)
        return fail(STATUS_USAGE, "%s is not in %s..%s", text_excerpt(text, shown), low, high);
    *value = number;
    return STATUS_OK;
}

enum status config_parse_real(const char *text, double low, double high, double *value)
{
    char shown[TEXT_EXCERPT_MAX], low_text[NUMBER_MAX], high_text[NUMBER_MAX];
    format_real(low, low_text);
    format_real(high, high_text);
    char *end = NULL;
    double number = strtod(text, &end);
    // strtod alone would take hexadecimal, "inf", "nan" and leading space as well.
    if (end == text || *end != '\0' || text[strspn(text, "0123456789+-.eE")] != '\0')
        return fail(STATUS_USAGE, "'%s' is not a number in %s..%s", text_excerpt(text, shown), low_text, high_text);
    if (!isfinite(number) || number < low || number > high)
        return fail(STATUS_USAGE, "%s is not in %s..%s", text_excerpt(text, shown), low_text, high_text);
    *value = number;
    return STATUS_OK;
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
    char shown[TEXT_EXCERPT_MAX], hint[NEAREST_HINT_MAX], list[256] = "";
    struct nearest nearest;
    nearest_init(&nearest, text);
    for (const struct config_word *word = key->words; word->name; word++) {
        nearest_offer(&nearest, word->name);
        text_append(list, sizeof list, "%s%s", list[0] ? ", " : "", word->name);
    }
    return fail(STATUS_USAGE, "'%s' is not one of %s%s", text_excerpt(text, shown), list, nearest_hint(&nearest, "", hint));
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
    char shown[TEXT_EXCERPT_MAX];
    return fail(STATUS_USAGE, "'%s' is neither true nor false", text_excerpt(text, shown));
}

// UTF-8 without control characters and line breaks: what YAML can hold on one line as it is. Length of the character, 0 if it is none.
static size_t printable(const char *text)
{
    // Beside U+0000..001F: the line and paragraph separators, the byte order mark, what is no character.
    static const char *const others[] = {"\x7f", "\u2028", "\u2029", "\ufeff", "\ufffe", "\uffff"};
    const unsigned char *bytes = (const unsigned char *)text;
    bool control = bytes[0] < 0x20 || (bytes[0] == 0xc2 && bytes[1] < 0xa0); // U+0080..009F
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        control = control || strncmp(text, others[i], strlen(others[i])) == 0;
    return control ? 0 : utf8_length(text);
}

static enum status parse_text(const struct config_key *key, const char *text, char *value)
{
    size_t length = strnlen(text, key->size);
    if (length == key->size)
        return fail(STATUS_USAGE, "longer than %zu bytes", key->size - 1);
    for (size_t i = 0, step; i < length; i += step) {
        step = printable(text + i);
        if (step == 0)
            return fail(STATUS_USAGE, "holds a control character, or is not UTF-8, at byte %zu", i + 1);
    }
    memset(value, 0, key->size); // configurations are compared as bytes
    memcpy(value, text, length);
    return STATUS_OK;
}

// A number that is refused, with the words that there are besides.
static enum status fail_with_words(enum status rc, const struct config_key *key)
{
    char words[64] = "";
    if (rc == STATUS_OK)
        return rc;
    for (const struct config_word *word = key->words; word && word->name; word++)
        text_append(words, sizeof words, "%s%s", words[0] ? " or " : " (or ", word->name);
    return fail(rc, "%s%s%s", status_message(), words, words[0] ? ")" : "");
}

static enum status parse_whole(const struct config_key *key, const char *text, const struct config_word *word, void *field)
{
    uint64_t value = word ? (uint64_t)word->value : 0;
    if (!word)
        TRY(fail_with_words(config_parse_whole(text, key->type, key->least, key->most, &value), key));
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
    case CONFIG_TYPE_REAL:
        if (!word)
            return fail_with_words(config_parse_real(text, key->low, key->high, field), key);
        *(double *)field = word->value;
        return STATUS_OK;
    case CONFIG_TYPE_TEXT:
        return parse_text(key, text, field);
    case CONFIG_TYPE_TARGETS:
        return config_targets_parse(field, text);
    default:
        return parse_whole(key, text, word, field);
    }
}

static void print_whole(const struct config_key *key, uint64_t value, FILE *stream)
{
    char text[NUMBER_MAX];
    for (const struct config_word *word = key->words; word && word->name; word++) {
        if ((uint64_t)word->value == value) {
            fputs(word->name, stream);
            return;
        }
    }
    fputs(format_whole(value, key->type, text), stream);
}

static void print_real(const struct config_key *key, double value, FILE *stream)
{
    char text[NUMBER_MAX];
    const struct config_word *word = key->words;
    while (word && word->name && word->value != value)
        word++;
    fputs(word && word->name ? word->name : format_real(value, text), stream);
}

static void print_text(const char *text, FILE *stream)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./";
    if (text[strspn(text, plain)] == '\0' && strcmp(text, "null") != 0) { // a file may be called so, too
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

static void print_channels(const char *field, const int *channels, int count, FILE *stream)
{
    for (int k = 0; k < count; k++)
        k ? fprintf(stream, ", %d", channels[k]) : fprintf(stream, ", %s: [%d", field, channels[k]);
    fputs(count ? "]" : "", stream);
}

static void print_parts(const char *field, const double *parts, int count, FILE *stream)
{
    char number[NUMBER_MAX];
    for (int k = 0; k < count; k++) {
        format_real(parts[k], number);
        k ? fprintf(stream, ", %s", number) : fprintf(stream, ", %s: [%s", field, number);
    }
    fputs(count ? "]" : "", stream);
}

static void print_targets(const struct config_targets *targets, int indent, FILE *stream)
{
    char weight[NUMBER_MAX];
    for (int i = 0; i < targets->count; i++) {
        const struct config_target *target = &targets->items[i];
        fprintf(stream, "\n%*s- {layer: %s, weight: %s", indent, "", target->layer, format_real(target->weight, weight));
        print_channels("channels", target->channels, target->channel_count, stream);
        if (target->automatic)
            fprintf(stream, ", channels: auto%d", target->automatic);
        print_channels("lowered", target->lowered, target->lowered_count, stream);
        print_parts("at", target->place, target->place_count, stream);
        print_parts("octaves", target->octaves, target->octave_count, stream);
        fputc('}', stream);
    }
}

// Of an address what may be shown, of a secret its default. What servers are told of the program has addresses in it that all may read.
static const char *shown_text(const struct config_key *key, const char *text, char shown[URL_SHOWN_MAX])
{
    if (strcmp(key->name, "fetch.user_agent") == 0)
        return text;
    return key->secret ? key->initial : url_shown(text, NULL, shown);
}

void config_value_print(const struct config *config, const struct config_key *key, int indent, FILE *stream)
{
    char shown[URL_SHOWN_MAX];
    const void *field = (const char *)config + key->offset;
    if (key->type == CONFIG_TYPE_BOOL)
        fputs(*(const bool *)field ? "true" : "false", stream);
    else if (key->type == CONFIG_TYPE_WORD || key->type == CONFIG_TYPE_INT)
        print_whole(key, (uint64_t) * (const int *)field, stream);
    else if (key->type == CONFIG_TYPE_REAL)
        print_real(key, *(const double *)field, stream);
    else if (key->type == CONFIG_TYPE_TEXT)
        print_text(shown_text(key, field, shown), stream);
    else if (key->type == CONFIG_TYPE_TARGETS)
        print_targets(field, indent, stream);
    else
        print_whole(key, *(const uint64_t *)field, stream);
}

static void print_short_target(const struct config_target *target, FILE *stream)
{
    char number[NUMBER_MAX];
    fputs(target->layer, stream);
    for (int k = 0; k < target->channel_count; k++)
        fprintf(stream, "%s%d", k ? "+" : "#", target->channels[k]);
    for (int k = 0; k < target->lowered_count; k++)
        fprintf(stream, "%s%d", k || target->channel_count ? "-" : "#-", target->lowered[k]);
    if (target->automatic)
        fprintf(stream, "#auto%d", target->automatic);
    for (int k = 0; k < target->place_count; k++)
        fprintf(stream, "%s%s", k ? "/" : "@", format_real(target->place[k], number));
    for (int k = 0; k < target->octave_count; k++)
        fprintf(stream, "%s%s", k ? ".." : "%", format_real(target->octaves[k], number));
    fprintf(stream, ":%s", format_real(target->weight, number));
}

void config_value_print_short(const struct config *config, const struct config_key *key, FILE *stream)
{
    const void *field = (const char *)config + key->offset;
    const struct config_targets *targets = field;
    char shown[URL_SHOWN_MAX];
    if (key->type == CONFIG_TYPE_TEXT)
        fputs(shown_text(key, field, shown), stream);
    else if (key->type != CONFIG_TYPE_TARGETS)
        config_value_print(config, key, 0, stream);
    else
        for (int i = 0; i < targets->count; i++) {
            fputs(i ? "," : "", stream);
            print_short_target(&targets->items[i], stream);
        }
}

void config_value_print_range(const struct config_key *key, FILE *stream)
{
    char low[NUMBER_MAX], high[NUMBER_MAX];
    const char *between = key->type == CONFIG_TYPE_WORD ? " | " : ", ";
    for (const struct config_word *word = key->words; word && word->name; word++)
        fprintf(stream, "%s%s", word == key->words ? "" : between, word->name);
    if (key->type == CONFIG_TYPE_BOOL)
        fputs("true | false", stream);
    else if (key->type == CONFIG_TYPE_REAL)
        fprintf(stream, "%s%s..%s", key->words ? ", " : "", format_real(key->low, low), format_real(key->high, high));
    else if (key->takes)
        fputs(key->takes, stream);
    else if (key->type != CONFIG_TYPE_WORD)
        fprintf(stream, "%s%s..%s", key->words ? ", " : "", format_whole(key->least, key->type, low),
                format_whole(key->most, key->type, high));
}
