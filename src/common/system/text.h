// SPDX-License-Identifier: MIT
// Texts in buffers of a fixed size.
#pragma once

#include <stddef.h>

#include "common/system/status.h"

// Appends to the text in a buffer of `size` bytes; what does not fit is cut.
void text_append(char *text, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);

// The start of a text from outside, fit for a message: control characters become '?', a long text is cut. Returns `out`.
enum { TEXT_EXCERPT_MAX = 64 };
const char *text_excerpt(const char *text, char out[TEXT_EXCERPT_MAX]);
