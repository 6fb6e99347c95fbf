// SPDX-License-Identifier: MIT
// A picture in square cells: what a map says of each, which come first, and the picture with some of them taken away. Maps of any
// resolution are compared so, and a picture too large for one rank as well as a small one.
#pragma once

#include "worker/team/slab.h"
#include "worker/team/team.h"

enum {
    CELLS_MAX = 32,        // along the longer side
    CELLS_LEVELS = 1 << 20 // of the largest value of a map, that its cells are told apart by
};

struct cells {
    int side;          // pixels: bands of the octave; the last cells of a row or column may be smaller
    int width, height; // cells
    int picture_width, picture_height;
};

struct cells cells_of(int width, int height);

static inline int cells_count(const struct cells *cells)
{
    return cells->width * cells->height;
}

// Row y of a map: out [picture_width].
typedef void cells_row(const void *map, int y, float *out);

// Collective: means[i] of the map over cell i, row by row, on every member. Each is asked for rows of its own (tiling_rows), in any order,
// by several threads. The same for any team.
enum status cells_means(const struct cells *cells, struct team *team, cells_row *row, const void *map, float *means) MUST_CHECK;

// The numbers of the cells, those of the largest value first; of equal values that of the larger `tie` first, and what is NaN last.
void cells_order(const struct cells *cells, const float *values, const float *ties, int *order);

// to = in the first `count` cells of `order` the rows of `inside`, elsewhere those of `outside`, which pass into each other between the
// middles of the cells (bilinear), so that no edge is added. All hold the same rows.
void cells_compose(const struct cells *cells, const int *order, int count, const struct slab *inside, const struct slab *outside,
                   struct slab *to);

// Spearman's rank correlation of two maps, ties having their mean rank; NaN where one is the same everywhere.
double cells_correlation(const struct cells *cells, const float *a, const float *b);
