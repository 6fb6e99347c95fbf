// SPDX-License-Identifier: MIT
// Well-formed UTF-8 (RFC 3629) whatever the locale: file names and messages may hold any bytes, tables and folder names may not.
#pragma once

#include <stddef.h>

// Bytes of the character that starts at text[0] (NUL-terminated text): 1 to 4, or 0 where the bytes are not well-formed.
size_t utf8_length(const char *text);

// Replaces every byte that is not part of a well-formed character.
void utf8_clean(char *text, char replacement);

// Shortens well-formed text to at most `bytes` bytes without splitting a character.
void utf8_cut(char *text, size_t bytes);
