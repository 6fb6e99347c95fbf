// SPDX-License-Identifier: MIT
// Moves pixels between the rows that members of a team hold and the rectangles that they work on, in both directions: gather copies rows
// into rectangles, scatter adds rectangles to rows. Two members send each other at most one message a round; every member computes who
// needs what of whom by itself (tiling_parts), so that nothing is negotiated.
#pragma once

#include <stdbool.h>

#include "worker/team/slab.h"
#include "worker/team/team.h"

// All members pass the same. Borrowed until the end of the round.
struct tile_exchange_layout {
    int width, height;                  // of the octave
    int dy, dx;                         // the rectangles lie on the octave rolled by this
    int count;                          // of rectangles; members work on shares of them (tiling_share)
    const struct rectangle *rectangles; // [count]
    int margin;                         // members hold the rows of tiling_rows() and, in a scatter, so many above and below
    int columns;                        // scatter: rectangles r with r / columns even are added to the first slab, the others to the second
};

struct tile_exchange;

// `team` outlives it. Buffers are kept from round to round.
enum status tile_exchange_create(struct tile_exchange **exchange, struct team *team) MUST_CHECK;
void tile_exchange_destroy(struct tile_exchange **exchange);

// One round of gather: begin, then take each rectangle of one's own once it has arrived, then end.
enum status tile_exchange_gather(struct tile_exchange *exchange, const struct tile_exchange_layout *layout,
                                 const struct slab *from) MUST_CHECK;
// Whether any other member holds part of it.
bool tile_exchange_is_shared(const struct tile_exchange *exchange, int rectangle);
// Whether all of it is there; keeps messages moving.
enum status tile_exchange_arrived(struct tile_exchange *exchange, int rectangle, bool *arrived) MUST_CHECK;
enum status tile_exchange_wait(struct tile_exchange *exchange, int rectangle) MUST_CHECK; // until it has arrived
// values (3, height, width) of the rectangle, which has arrived.
void tile_exchange_take(struct tile_exchange *exchange, int rectangle, float *values);

// What is added: value(c, y, x) of the rectangle = values[c * plane + y * row + x] * down[y] * across[x].
struct tile_exchange_patch {
    const float *values;
    size_t plane, row;
    const float *across, *down;
};

// One round of scatter: begin, then add each rectangle of one's own, then end. `to` are two slabs that hold this member's rows of the
// layout. If at most two rectangles of one slab overlap anywhere, results do not depend on the order: a + b = b + a.
enum status tile_exchange_scatter(struct tile_exchange *exchange, const struct tile_exchange_layout *layout, struct slab *to[2]) MUST_CHECK;
enum status tile_exchange_add(struct tile_exchange *exchange, int rectangle, const struct tile_exchange_patch *patch) MUST_CHECK;

// Bytes that this member sends and receives in the round.
int64_t tile_exchange_bytes(const struct tile_exchange *exchange);

// Large messages move only while somebody tests: call it now and then while something else is done. *sent: what this member
// has to send so far has left.
enum status tile_exchange_progress(struct tile_exchange *exchange, bool *sent) MUST_CHECK;

// Ends either kind of round: nothing is under way any more.
enum status tile_exchange_end(struct tile_exchange *exchange) MUST_CHECK;
