// SPDX-License-Identifier: MIT
#include "worker/rescale.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/resample.h"
#include "worker/exchange.h"

static struct span rows_of(const struct team *team, int height, int member)
{
    return tiling_rows(height, team->size, member);
}

static bool is_empty(struct span span)
{
    return span.begin >= span.end;
}

// One gather of whole rows: `wanted` [team->size * each] of every member, some of them empty; into values[each], allocated where not empty.
static enum status gather_rows(struct team *team, const struct field *from, const struct span *wanted, int each, float **values)
{
    const int count = team->size * each;
    struct exchange *exchange = NULL;
    struct rectangle *rectangles = calloc((size_t)count, sizeof *rectangles);
    struct span *work = calloc((size_t)team->size, sizeof *work), *rows = calloc((size_t)team->size, sizeof *rows);
    enum status rc = STATUS_OK;
    if (!rectangles || !work || !rows) {
        rc = fail(STATUS_LIMIT, "no memory to exchange rows");
        goto out;
    }
    for (int m = 0; m < team->size; m++) {
        work[m] = (struct span){m * each, (m + 1) * each};
        rows[m] = rows_of(team, from->height, m);
    }
    for (int i = 0; i < count; i++)
        rectangles[i] = (struct rectangle){0, wanted[i].begin, from->width, is_empty(wanted[i]) ? 0 : wanted[i].end - wanted[i].begin};
    TRY(exchange_create(&exchange, team));
    TRY(exchange_gather(
        exchange,
        &(struct exchange_layout){
            .width = from->width, .height = from->height, .rectangles = rectangles, .work = work, .rows = rows, .columns = 1},
        from));
    for (int k = 0; k < each; k++) {
        const int mine = team->rank * each + k;
        if (rectangles[mine].height == 0)
            continue;
        values[k] = malloc(3 * (size_t)rectangles[mine].height * (size_t)from->width * sizeof(float));
        if (!values[k]) {
            rc = fail(STATUS_LIMIT, "no memory for %d rows of %d pixels", rectangles[mine].height, from->width);
            goto out;
        }
        TRY(exchange_wait(exchange, mine));
        exchange_take(exchange, mine, values[k]);
    }
    rc = exchange_end(exchange);
out:
    exchange_destroy(&exchange);
    free(rectangles);
    free(work);
    free(rows);
    return rc;
}

enum status rescale(struct team *team, const struct field *from, int width, int height, struct field *to)
{
    const double start = now();
    const struct span mine = rows_of(team, height, team->rank);
    struct field across = {0};
    struct span *reach = calloc((size_t)team->size, sizeof *reach);
    float *gathered = NULL;
    enum status rc;
    *to = (struct field){0};
    if (!reach) {
        rc = fail(STATUS_LIMIT, "no memory to resample");
        goto out;
    }
    for (int m = 0; m < team->size; m++)
        reach[m] = resample_reach(from->height, height, rows_of(team, height, m));
    TRY(field_create(&across, width, from->height, from->rows));
    TRY(field_create(to, width, height, mine));
    TRY(resample_across(from->data, 3 * (int64_t)(from->rows.end - from->rows.begin), from->width, across.data, width));
    if (team->size > 1)
        TRY(gather_rows(team, &across, reach, 1, &gathered));
    if (!is_empty(mine))
        rc = resample_down(gathered ? gathered : across.data, gathered ? reach[team->rank] : across.rows, 3, width, from->height, to->data,
                           mine, height);
out:
    free(gathered);
    free(reach);
    field_destroy(&across);
    if (rc != STATUS_OK)
        field_destroy(to);
    timing_add(team->timing, PHASE_RESAMPLE, start, 0);
    return rc;
}

enum status neighbour_rows(struct team *team, const struct field *of, float **above, float **below)
{
    float *values[2] = {NULL, NULL};
    struct span *wanted = NULL;
    enum status rc = STATUS_OK;
    *above = *below = NULL;
    if (team->size == 1)
        return STATUS_OK;
    wanted = calloc(2 * (size_t)team->size, sizeof *wanted);
    if (!wanted)
        return fail(STATUS_LIMIT, "no memory to exchange rows");
    for (int m = 0; m < team->size; m++) {
        const struct span rows = rows_of(team, of->height, m);
        if (!is_empty(rows) && rows.begin > 0)
            wanted[2 * m] = (struct span){rows.begin - 1, rows.begin};
        if (!is_empty(rows) && rows.end < of->height)
            wanted[2 * m + 1] = (struct span){rows.end, rows.end + 1};
    }
    TRY(gather_rows(team, of, wanted, 2, values));
    *above = values[0];
    *below = values[1];
out:
    if (rc != STATUS_OK) {
        free(values[0]);
        free(values[1]);
    }
    free(wanted);
    return rc;
}
