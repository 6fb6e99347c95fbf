// SPDX-License-Identifier: MIT
// What `oneiros status` says of a run, for people and for programs (docs/status.md).
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "runfile/run_state.h"

// Some lines, the first of which alone says what matters. `utf8`: a bar of block characters instead of ASCII.
void status_print(const struct run_state *state, bool utf8, FILE *stream);

// NULL: no memory.
json_t *status_json(const struct run_state *state);
