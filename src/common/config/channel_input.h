// SPDX-License-Identifier: MIT
// An input that is a dream of one channel alone, from soft noise: "channel:mixed4#12". Its layer is one of the targets.
#pragma once

#include "common/config/config.h"

// Whether a text is meant to name one, in the right form or not.
bool channel_input_is_named(const char *text);

// *target: the number of the target; *channel: its channel. STATUS_USAGE says what the right form is, or that no target is of this layer.
enum status channel_input_parse(const char *text, const struct config *config, int *target, int *channel) MUST_CHECK;
