// SPDX-License-Identifier: MIT
#include "worker/team/rescale.h"

#include <stdlib.h>

#include "common/picture/resample.h"
#include "common/system/clock.h"
#include "worker/team/row_exchange.h"

// The rows that every member's output is made from: after the pass along x they come from those who made them.
static enum status create_gather(struct row_exchange **gather, struct team *team, int width, int from_height, int height)
{
    struct span *reach;
    TRY(ALLOCATE(reach, team->size, "to resample"));
    for (int m = 0; m < team->size; m++)
        reach[m] = resample_reach(from_height, height, tiling_rows(height, team->size, m));
    const enum status rc = row_exchange_create(gather, team, width, from_height, reach, 1);
    free(reach);
    return rc;
}

static enum status make_room(struct team *team, const struct slab *from, int width, int height, struct slab *across, struct slab *to,
                             struct row_exchange **gather)
{
    TRY(slab_create(across, width, from->height, from->rows));
    TRY(slab_create(to, width, height, tiling_rows(height, team->size, team->rank)));
    if (team->size > 1)
        TRY(create_gather(gather, team, width, from->height, height));
    return resample_across(from->data, 3 * (int64_t)(from->rows.end - from->rows.begin), from->width, across->data, width);
}

enum status rescale(struct team *team, const struct slab *from, int width, int height, struct slab *to)
{
    const double start = now();
    struct slab across = {0};
    struct row_exchange *gather = NULL;
    const float *in;
    struct span in_rows;
    enum status rc;
    *to = (struct slab){0};
    TRY_OUT(team_agree(team, make_room(team, from, width, height, &across, to, &gather)));
    in = across.data;
    in_rows = across.rows;
    if (gather) {
        TRY_OUT(row_exchange_begin(gather, &across));
        TRY_OUT(row_exchange_end(gather));
        in = row_exchange_values(gather, 0);
        in_rows = resample_reach(from->height, height, to->rows);
    }
    if (to->rows.begin < to->rows.end)
        rc = resample_down(in, in_rows, 3, width, from->height, to->data, to->rows, height);
out:
    row_exchange_destroy(&gather);
    slab_destroy(&across);
    if (rc != STATUS_OK)
        slab_destroy(to);
    timing_add(team->timing, PHASE_RESAMPLE, start, 0);
    return rc;
}
