// SPDX-License-Identifier: MIT
// Whether two configurations make the same dreams.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/config/config.h"

// False if a dream has the same bytes under both. Otherwise `text` names the first keys that differ: "steps was 20 and is 40; seed was 0
// and is 1".
bool config_difference(const struct config *was, const struct config *is, char *text, size_t size);
