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
