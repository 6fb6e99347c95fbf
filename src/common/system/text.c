// SPDX-License-Identifier: MIT
#include "common/system/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void text_append(char *text, size_t size, const char *format, ...)
{
    const size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

const char *text_excerpt(const char *text, char out[TEXT_EXCERPT_MAX])
{
    const bool whole = strnlen(text, TEXT_EXCERPT_MAX) < TEXT_EXCERPT_MAX;
    snprintf(out, TEXT_EXCERPT_MAX, "%.*s%s", whole ? TEXT_EXCERPT_MAX : TEXT_EXCERPT_MAX - 4, text, whole ? "" : "...");
    for (char *c = out; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
    return out;
}

const char *text_word(const char *text, char out[TEXT_WORD_MAX])
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+,=-";
    snprintf(out, TEXT_WORD_MAX, "%s", text[0] == '-' ? "./" : "");
    if (text[0] && text[strspn(text, plain)] == '\0') {
        text_append(out, TEXT_WORD_MAX, "%s", text);
        return out;
    }
    text_append(out, TEXT_WORD_MAX, "'");
    for (size_t part; *text; text += part) {
        part = strcspn(text, "'");
        text_append(out, TEXT_WORD_MAX, "%.*s", (int)part, text);
        if (text[part] == '\'') {
            text_append(out, TEXT_WORD_MAX, "'\\''");
            part++;
        }
    }
    text_append(out, TEXT_WORD_MAX, "'");
    return out;
}

size_t utf8_columns(const char *text)
{
    size_t columns = 0;
    for (size_t step; *text; text += step) {
        step = utf8_length(text);
        columns += step > 2 ? 2 : 1;
        step = step ? step : 1;
    }
    return columns;
}

size_t utf8_length(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80)
        return 1;
    size_t length = s[0] >= 0xc2 && s[0] <= 0xdf ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    // Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte.
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return length;
}

void utf8_clean(char *text, char replacement)
{
    while (*text) {
        size_t length = utf8_length(text);
        if (!length)
            *text = replacement;
        text += length ? length : 1;
    }
}

// C0, DEL, C1, separators of lines, marks and overrides of direction.
static bool moves(const char *character, size_t length)
{
    const unsigned char *c = (const unsigned char *)character;
    if (length == 1)
        return c[0] < 0x20 || c[0] == 0x7f;
    if (length == 2)
        return c[0] == 0xc2 && c[1] < 0xa0;
    if (length != 3 || c[0] != 0xe2)
        return false;
    return (c[1] == 0x80 && (c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xa8 && c[2] <= 0xae))) ||
           (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9);
}

void text_make_printable(char *text)
{
    utf8_clean(text, '?');
    char *to = text;
    for (size_t length; *text; text += length) {
        length = utf8_length(text);
        const bool bad = moves(text, length);
        if (bad)
            *to = '?';
        else
            memmove(to, text, length);
        to += bad ? 1 : length;
    }
    *to = '\0';
}

void utf8_cut(char *text, size_t bytes)
{
    if (strlen(text) <= bytes)
        return;
    while (bytes > 0 && ((unsigned char)text[bytes] & 0xc0) == 0x80)
        bytes--;
    text[bytes] = '\0';
}
