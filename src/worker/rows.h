// SPDX-License-Identifier: MIT
// Whole rows of a field, for members that do not hold them.
#ifndef ONEIROS_WORKER_ROWS_H
#define ONEIROS_WORKER_ROWS_H

#include "worker/field.h"
#include "worker/team.h"

struct rows;

// Every member wants `each` spans of rows, some of them empty: `wanted` [team->size * each], the same on all members, copied. Members hold
// the rows that tiling_rows() gives them of fields of width x height. `team` outlives it. Not collective.
enum status rows_create(struct rows **rows, struct team *team, int width, int height, const struct span *wanted, int each) MUST_CHECK;
void rows_destroy(struct rows **rows);

// Collective, as often as needed: begin, and later end, while `from` stays as it is.
enum status rows_begin(struct rows *rows, const struct field *from) MUST_CHECK;
enum status rows_end(struct rows *rows) MUST_CHECK;

// After rows_end(): this member's span number `index`, (3, its rows, width); NULL if it is empty. Lives as long as `rows`.
const float *rows_values(const struct rows *rows, int index);

// The rows above (0) and below (1) each member's own.
enum status rows_create_neighbours(struct rows **rows, struct team *team, int width, int height) MUST_CHECK;

#endif
