// SPDX-License-Identifier: MIT
// From one octave's size to another's, by a team.
#ifndef ONEIROS_WORKER_RESCALE_H
#define ONEIROS_WORKER_RESCALE_H

#include "worker/field.h"
#include "worker/team.h"

// Collective. Creates *to, this member's rows of `from` resampled to width x height. Members hold the rows that tiling_rows() gives them of
// both. Not clipped.
enum status rescale(struct team *team, const struct field *from, int width, int height, struct field *to) MUST_CHECK;

// Collective: the octave's rows next to one's own, (3, width) each; *above or *below is NULL at the octave's border or for a member without
// rows. The caller frees both.
enum status neighbour_rows(struct team *team, const struct field *of, float **above, float **below) MUST_CHECK;

#endif
