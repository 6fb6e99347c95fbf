// SPDX-License-Identifier: MIT
// Sends what the network sees, array by array. Everything about `part` is given but its place in the whole array.
#pragma once

#include "worker/team/outbox.h"
#include "worker/team/slab.h"

// The part that this member's rows of the first planes of a slab are: (channels, rows, width).
struct array_part array_part_rows(struct array_part part, const struct slab *slab, int channels);

// Sends a copy of them.
enum status array_send_rows(struct outbox *outbox, struct array_part part, const struct slab *slab, int channels) MUST_CHECK;

// Sends a copy of all of an array, (channels, height, width): for one that every member has, from one of them.
enum status array_send_whole(struct outbox *outbox, struct array_part part, int channels, int height, int width,
                             const float *values) MUST_CHECK;
