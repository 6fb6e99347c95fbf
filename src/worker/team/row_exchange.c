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
    float **values;               // [each] of this member
    int each;
};

enum status row_exchange_create(struct row_exchange **rows, struct team *team, int width, int height, const struct span *wanted, int each)
{
    const int count = team->size * each;
    enum status rc;
    TRY(ALLOCATE(*rows, 1, "to exchange rows"));
    struct row_exchange *r = *rows;
    r->team = team;
    r->each = each;
    TRY_OUT(ALLOCATE(r->rectangles, count, "to exchange rows"));
    TRY_OUT(ALLOCATE(r->values, each, "to exchange rows"));
    for (int i = 0; i < count; i++)
        r->rectangles[i] = (struct rectangle){0, wanted[i].begin, width, wanted[i].end - wanted[i].begin};
    for (int k = 0; k < each; k++) {
        const int span = r->rectangles[team->rank * each + k].height;
        if (span > 0)
            TRY_OUT(ALLOCATE(r->values[k], 3 * (size_t)span * (size_t)width, "for %d rows of %d pixels", span, width));
    }
    r->layout = (struct tile_exchange_layout){.width = width, .height = height, .count = count, .rectangles = r->rectangles, .columns = 1};
    rc = tile_exchange_create(&r->exchange, team);
out:
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

float *row_exchange_values(const struct row_exchange *r, int index)
{
    return r->values[index];
}

enum status row_exchange_create_neighbours(struct row_exchange **rows, struct team *team, int width, int height)
{
    struct span *wanted;
    TRY(ALLOCATE(wanted, 2 * (size_t)team->size, "to exchange rows"));
    for (int m = 0; m < team->size; m++) {
        const struct span own = tiling_rows(height, team->size, m), grown = tiling_grown(own, 1, height);
        wanted[2 * m] = (struct span){grown.begin, own.begin};
        wanted[2 * m + 1] = (struct span){own.end, grown.end};
    }
    const enum status rc = row_exchange_create(rows, team, width, height, wanted, 2);
    free(wanted);
    return rc;
}
