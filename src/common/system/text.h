// SPDX-License-Identifier: MIT
// Texts in buffers of a fixed size; and well-formed UTF-8 (RFC 3629), whatever the locale: file names and messages may hold any bytes,
// tables and folder names may not.
#pragma once

#include <stddef.h>

#include "common/system/status.h"

// Appends to the text in a buffer of `size` bytes; what does not fit is cut.
void text_append(char *text, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);

// The start of a text from outside, fit for a message: control characters become '?', a long text is cut. Returns `out`.
enum { TEXT_EXCERPT_MAX = 64 };
const char *text_excerpt(const char *text, char out[TEXT_EXCERPT_MAX]);

// A path as a shell takes it for one word, and a program for no option: as it is, in quotes, or with ./ before a dash. What does not fit is
// cut. Returns `out`.
enum { TEXT_WORD_MAX = 4096 };
const char *text_word(const char *text, char out[TEXT_WORD_MAX]);

// "1 image", "2 images".
#define PLURAL(count) ((count) == 1 ? "" : "s")

// Columns that well-formed text takes on a terminal; those of other alphabets are taken for wide where they may be.
size_t utf8_columns(const char *text);

// Makes a text from outside fit for a terminal: what would move its cursor, change its colours or turn the direction of the text around
// becomes '?', as do bytes that are no UTF-8.
void text_make_printable(char *text);

// Bytes of the character that starts at text[0] (NUL-terminated text): 1 to 4, or 0 where the bytes are not well-formed.
size_t utf8_length(const char *text);

// Replaces every byte that is not part of a well-formed character.
void utf8_clean(char *text, char replacement);

// Shortens well-formed text to at most `bytes` bytes without splitting a character.
void utf8_cut(char *text, size_t bytes);
