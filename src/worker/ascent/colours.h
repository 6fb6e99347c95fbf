// SPDX-License-Identifier: MIT
// The colours of a picture that is dreamed on again and again, held to those that it began with: it would drift to white, or to black.
#pragma once

#include "common/wire/messages.h"
#include "worker/team/slab.h"
#include "worker/team/team.h"

// Collective: gives each channel of the picture this mean and this standard deviation, which grows to at most twice what it was. `rows`:
// this member's.
enum status colours_hold(struct team *team, struct slab *rows, const struct frame_colours *colours) MUST_CHECK;
