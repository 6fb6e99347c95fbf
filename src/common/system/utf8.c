// SPDX-License-Identifier: MIT
#include "common/system/utf8.h"

#include <string.h>

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

void utf8_cut(char *text, size_t bytes)
{
    if (strlen(text) <= bytes)
        return;
    while (bytes > 0 && ((unsigned char)text[bytes] & 0xc0) == 0x80)
        bytes--;
    text[bytes] = '\0';
}
