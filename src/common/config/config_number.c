// SPDX-License-Identifier: MIT
#include "common/config/config_number.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/system/text.h"

static const char letters[] = "KMGTP";

// What a suffix multiplies by; 0 for one that is not known.
static uint64_t suffix_scale(const char *text, enum config_suffix suffix)
{
    if (text[0] == '\0' || (suffix == SUFFIX_BYTES && strcmp(text, "B") == 0))
        return 1;
    const char *letter = strchr(letters, toupper((unsigned char)text[0]));
    if (suffix == SUFFIX_NONE || !letter)
        return 0;
    const char *rest = text + 1;
    uint64_t base;
    if (suffix == SUFFIX_COUNT && *rest == '\0')
        base = 1000;
    else if (suffix == SUFFIX_BYTES && (*rest == '\0' || strcasecmp(rest, "iB") == 0))
        base = 1024;
    else if (suffix == SUFFIX_BYTES && strcasecmp(rest, "B") == 0)
        base = 1000;
    else
        return 0;
    uint64_t scale = base;
    for (const char *smaller = letters; smaller < letter; smaller++)
        scale *= base;
    return scale;
}

enum status config_parse_whole(const char *text, enum config_suffix suffix, uint64_t least, uint64_t most, uint64_t *value)
{
    char shown[TEXT_EXCERPT_MAX], low[CONFIG_NUMBER_MAX], high[CONFIG_NUMBER_MAX];
    config_format_whole(least, suffix, low);
    config_format_whole(most, suffix, high);
    bool negative = text[0] == '-';
    const char *digits = text + negative;
    size_t count = strspn(digits, "0123456789");
    uint64_t scale = suffix_scale(digits + count, suffix);
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
    char shown[TEXT_EXCERPT_MAX], low_text[CONFIG_NUMBER_MAX], high_text[CONFIG_NUMBER_MAX];
    config_format_real(low, low_text);
    config_format_real(high, high_text);
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

const char *config_format_whole(uint64_t value, enum config_suffix suffix, char out[CONFIG_NUMBER_MAX])
{
    uint64_t base = suffix == SUFFIX_BYTES ? 1024 : 1000;
    size_t power = 0; // of the base, divided out of the value
    while (suffix != SUFFIX_NONE && value > 0 && value % base == 0 && power < sizeof letters - 1) {
        value /= base;
        power++;
    }
    if (power == 0)
        snprintf(out, CONFIG_NUMBER_MAX, "%" PRIu64, value);
    else
        snprintf(out, CONFIG_NUMBER_MAX, "%" PRIu64 "%c%s", value, letters[power - 1], suffix == SUFFIX_BYTES ? "iB" : "");
    return out;
}

const char *config_format_real(double value, char out[CONFIG_NUMBER_MAX])
{
    for (int digits = 10; digits <= 17; digits++) {
        snprintf(out, CONFIG_NUMBER_MAX, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    return out;
}
