// SPDX-License-Identifier: MIT
// What the tests of tiles share: random octaves, spans of rectangles.
#pragma once

#include <stdbool.h>

#include "common/picture/tiling.h"
#include "naive.h"

enum { CASES = 20000, SIDE_MIN = 75, SIDE_MAX = 20000, SMALL = 200 };

static inline int between(uint32_t *state, int least, int most)
{
    return least + (int)(naive_next(state) % (uint32_t)(most - least + 1));
}

// Many small ones.
static inline int random_side(uint32_t *state, int most)
{
    const int bound = between(state, 0, 7) > 0 ? SIDE_MIN + 500 : most;
    return between(state, SIDE_MIN, bound < most ? bound : most);
}

static inline struct span span_of(const struct rectangle *r, bool down)
{
    return down ? (struct span){r->y, r->y + r->height} : (struct span){r->x, r->x + r->width};
}

static inline bool inside(struct span part, struct span whole)
{
    return whole.begin <= part.begin && part.begin < part.end && part.end <= whole.end;
}

static inline bool same_span(struct span a, struct span b)
{
    return a.begin == b.begin && a.end == b.end;
}
