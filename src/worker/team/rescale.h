// SPDX-License-Identifier: MIT
// From one octave's size to another's, by a team.
#pragma once

#include "worker/team/slab.h"
#include "worker/team/team.h"

// Collective. Creates *to, this member's rows of `from` resampled to width x height. Members hold the rows that tiling_rows() gives them of
// both. Not clipped. Where one member has no memory for it, all fail alike (team_agree).
enum status rescale(struct team *team, const struct slab *from, int width, int height, struct slab *to) MUST_CHECK;
