// SPDX-License-Identifier: MIT
// Settings that have no effect beside the others.
#pragma once

#include "common/config/config.h"

// Whether it makes no difference to a dream, or, with `explains`, to an explanation, what the key is as long as the others are as they are.
// Keys that one of the two never looks at are not meant: a file may serve both.
bool config_is_idle(const struct config *config, bool explains, const char *key);

// Names those that have no effect and are not what they are by default, each with what it would take: "guide: has no effect unless
// objective is guide". Empty: there is none.
void config_idle(const struct config *config, bool explains, char *text, size_t size);
