// SPDX-License-Identifier: MIT
// Data that somebody wrapped as a JavaScript module: finds the exported literal and turns it into strict JSON.
//
// Understood: objects with bare, quoted or numeric keys, arrays, strings in either quote with JavaScript's escapes, decimal numbers
// such as .5, 5. and 1e3, true, false, null, and what minifiers make of them: !0, !1, void 0. Anything else is refused: no code runs.
#pragma once

#include <stddef.h>

#include "common/system/status.h"

// Where in `text` the first `exports = <object or string>` has its value. STATUS_FORMAT when there is none.
enum status js_find_export(const char *text, size_t size, size_t *offset) MUST_CHECK;

// The literal at the start of `text` as malloc'ed, NUL-terminated JSON of *json_size bytes. What follows the literal is not looked at:
// *used, unless NULL, says where it begins. Errors name the offset in `text`.
enum status js_literal_to_json(const char *text, size_t size, char **json, size_t *json_size, size_t *used) MUST_CHECK;
