// SPDX-License-Identifier: MIT
#include "worker/rescale.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/resample.h"
#include "worker/rows.h"

// The rows that every member's output is made from: after the pass along x they come from those who made them.
static enum status create_gather(struct rows **gather, struct team *team, int width, int from_height, int height)
{
    struct span *reach = calloc((size_t)team->size, sizeof *reach);
    if (!reach)
        return fail(STATUS_LIMIT, "no memory to resample");
    for (int m = 0; m < team->size; m++)
        reach[m] = resample_reach(from_height, height, tiling_rows(height, team->size, m));
    const enum status rc = rows_create(gather, team, width, from_height, reach, 1);
    free(reach);
    return rc;
}

static enum status make_room(struct team *team, const struct field *from, int width, int height, struct field *across, struct field *to,
                             struct rows **gather)
{
    enum status rc;
    TRY(field_create(across, width, from->height, from->rows));
    TRY(field_create(to, width, height, tiling_rows(height, team->size, team->rank)));
    if (team->size > 1)
        TRY(create_gather(gather, team, width, from->height, height));
    rc = resample_across(from->data, 3 * (int64_t)(from->rows.end - from->rows.begin), from->width, across->data, width);
out:
    return rc;
}

enum status rescale(struct team *team, const struct field *from, int width, int height, struct field *to)
{
    const double start = now();
    struct field across = {0};
    struct rows *gather = NULL;
    const float *in;
    struct span in_rows;
    enum status rc;
    *to = (struct field){0};
    TRY(team_agree(team, make_room(team, from, width, height, &across, to, &gather)));
    in = across.data;
    in_rows = across.rows;
    if (gather) {
        TRY(rows_begin(gather, &across));
        TRY(rows_end(gather));
        in = rows_values(gather, 0);
        in_rows = resample_reach(from->height, height, to->rows);
    }
    if (to->rows.begin < to->rows.end)
        rc = resample_down(in, in_rows, 3, width, from->height, to->data, to->rows, height);
out:
    rows_destroy(&gather);
    field_destroy(&across);
    if (rc != STATUS_OK)
        field_destroy(to);
    timing_add(team->timing, PHASE_RESAMPLE, start, 0);
    return rc;
}
