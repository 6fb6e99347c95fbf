// SPDX-License-Identifier: MIT
#include "worker/team/row_exchange.h"

#include <stdlib.h>

#include "common/system/clock.h"
#include "worker/team/tile_exchange.h"

struct row_exchange {
    struct team *team;
    struct tile_exchange *exchange;
    struct tile_exchange_layout layout;
    struct rectangle *rectangles; // [team->size * each]
    struct span *work, *held;     // [team->size]
    float **values;               // [each]
    int each;
};

static bool is_empty(struct span span)
{
    return span.begin >= span.end;
}

static enum status lay_out(struct row_exchange *r, int width, int height, const struct span *wanted)
{
    const int members = r->team->size;
    for (int m = 0; m < members; m++) {
        r->work[m] = (struct span){m * r->each, (m + 1) * r->each};
        r->held[m] = tiling_rows(height, members, m);
    }
    for (int i = 0; i < members * r->each; i++)
        r->rectangles[i] = (struct rectangle){0, wanted[i].begin, width, is_empty(wanted[i]) ? 0 : wanted[i].end - wanted[i].begin};
    for (int k = 0; k < r->each; k++) {
        const int count = r->rectangles[r->team->rank * r->each + k].height;
        if (count == 0)
            continue;
        r->values[k] = malloc(3 * (size_t)count * (size_t)width * sizeof(float));
        if (!r->values[k])
            return fail(STATUS_LIMIT, "no memory for %d rows of %d pixels", count, width);
    }
    r->layout = (struct tile_exchange_layout){
        .width = width, .height = height, .rectangles = r->rectangles, .work = r->work, .rows = r->held, .columns = 1};
    return tile_exchange_create(&r->exchange, r->team);
}

enum status row_exchange_create(struct row_exchange **rows, struct team *team, int width, int height, const struct span *wanted, int each)
{
    const size_t members = (size_t)team->size;
    enum status rc;
    struct row_exchange *r = *rows = calloc(1, sizeof *r);
    if (!r)
        return fail(STATUS_LIMIT, "no memory to exchange rows");
    r->team = team;
    r->each = each;
    r->rectangles = calloc(members * (size_t)each, sizeof *r->rectangles);
    r->work = calloc(members, sizeof *r->work);
    r->held = calloc(members, sizeof *r->held);
    r->values = calloc((size_t)each, sizeof *r->values);
    if (!r->rectangles || !r->work || !r->held || !r->values)
        rc = fail(STATUS_LIMIT, "no memory to exchange rows");
    else
        rc = lay_out(r, width, height, wanted);
    if (rc != STATUS_OK)
        row_exchange_destroy(rows);
    return rc;
}

void row_exchange_destroy(struct row_exchange **rows)
{
    struct row_exchange *r = *rows;
    if (!r)
        return;
    tile_exchange_destroy(&r->exchange);
    for (int k = 0; r->values && k < r->each; k++)
        free(r->values[k]);
    free(r->values);
    free(r->rectangles);
    free(r->work);
    free(r->held);
    free(r);
    *rows = NULL;
}

enum status row_exchange_begin(struct row_exchange *r, const struct slab *from)
{
    const double start = now();
    const enum status rc = tile_exchange_gather(r->exchange, &r->layout, from);
    timing_add(r->team->timing, PHASE_EXCHANGE, start, rc == STATUS_OK ? tile_exchange_bytes(r->exchange) : 0);
    return rc;
}

enum status row_exchange_end(struct row_exchange *r)
{
    const double start = now();
    enum status rc = STATUS_OK;
    for (int k = 0; k < r->each; k++) {
        const int rectangle = r->team->rank * r->each + k;
        if (!r->values[k])
            continue;
        TRY(tile_exchange_wait(r->exchange, rectangle));
        tile_exchange_take(r->exchange, rectangle, r->values[k]);
    }
    rc = tile_exchange_end(r->exchange);
    timing_add(r->team->timing, PHASE_EXCHANGE, start, 0);
    return rc;
}

const float *row_exchange_values(const struct row_exchange *r, int index)
{
    return r->values[index];
}

enum status row_exchange_create_neighbours(struct row_exchange **rows, struct team *team, int width, int height)
{
    struct span *wanted = calloc(2 * (size_t)team->size, sizeof *wanted);
    if (!wanted)
        return fail(STATUS_LIMIT, "no memory to exchange rows");
    for (int m = 0; m < team->size; m++) {
        const struct span own = tiling_rows(height, team->size, m);
        if (!is_empty(own) && own.begin > 0)
            wanted[2 * m] = (struct span){own.begin - 1, own.begin};
        if (!is_empty(own) && own.end < height)
            wanted[2 * m + 1] = (struct span){own.end, own.end + 1};
    }
    const enum status rc = row_exchange_create(rows, team, width, height, wanted, 2);
    free(wanted);
    return rc;
}
