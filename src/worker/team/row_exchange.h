// SPDX-License-Identifier: MIT
// Whole rows of a slab, for members that do not hold them.
#pragma once

#include "worker/team/slab.h"
#include "worker/team/team.h"

struct row_exchange;

// Every member wants `each` spans of rows, some of them empty: `wanted` [team->size * each], the same on all members, copied. Members hold
// the rows that tiling_rows() gives them of slabs of width x height. `team` outlives it. Not collective.
enum status row_exchange_create(struct row_exchange **rows, struct team *team, int width, int height, const struct span *wanted,
                                int each) MUST_CHECK;
void row_exchange_destroy(struct row_exchange **rows);

// Collective, as often as needed: begin, and later end, while `from` stays as it is.
enum status row_exchange_begin(struct row_exchange *rows, const struct slab *from) MUST_CHECK;
enum status row_exchange_end(struct row_exchange *rows) MUST_CHECK;

// After row_exchange_end(): this member's span number `index`, (3, its rows, width); NULL if it is empty. Lives as long as `rows`, may be
// overwritten.
float *row_exchange_values(const struct row_exchange *rows, int index);

// The rows above (0) and below (1) each member's own.
enum status row_exchange_create_neighbours(struct row_exchange **rows, struct team *team, int width, int height) MUST_CHECK;
