// SPDX-License-Identifier: MIT
// How an octave is cut into tiles, and which rank has what of it. Pure functions.
//
// The network sees windows; of the gradient of a window its core counts. All windows of an octave have the same size, so that one executor
// serves them and they cost the same: along one direction, `count` windows of `window` pixels lie evenly over the octave, and the border
// between two cores lies in the middle of their windows' overlap, at least `halo` pixels away from the ends of both. Of all windows that
// allow this for `count` tiles they are the shortest. Where a window ends at the octave's own border the network sees that border as it is.
//
//     octave   |---------------------------------------------------------|
//     window 0 |=========================|
//     window 1                 |=========================|
//     window 2                                 |=========================|
//     cores    |-------------------|-----------------|-------------------|
//
// Gradients of neighbours cross-fade over `blend` pixels to both sides of such a border. Where there are more than two tiles their windows
// begin at least 2 * blend apart; so inner cores are at least as long, and no pixel belongs to more than two tiles of one direction.
//
// The tiles lie on the octave as the network sees it, rolled by the step's jitter; the octave itself is kept unrolled, each member of the
// team holding some of its rows. tiling_parts() says where in the octave the pixels of a rectangle lie.
#pragma once

#include "common/system/status.h"

struct rectangle {
    int x, y, width, height; // pixels
};

// begin <= i < end
struct span {
    int begin, end;
};

struct tile_rules {
    int size;   // longest side of a window, pixels
    int halo;   // a multiple of stride
    int blend;  // <= halo
    int stride; // windows begin, and cores meet, at multiples of it: the network's grid must not shift between tiles
};

// One direction.
struct tile_axis {
    int length; // of the octave
    int count;  // tiles
    int window; // pixels; congruent to `length` modulo `stride`
    int blend, stride;
};

struct tiling {
    struct tile_axis across, down; // along x, along y
};

struct tile {
    struct rectangle window; // what the network sees
    struct rectangle core;   // the cores cover the octave, each pixel once
    struct rectangle reach;  // outside it the tile's weight is 0: the core grown by `blend`, within the octave and the window
};

// The fewest tiles whose windows are at most rules->size long. STATUS_LIMIT, with the least size that would do, where the halo leaves no
// room; and for more than INT_MAX tiles. A window is longer than two halos, but may be much shorter than rules->size: whoever knows how
// short the network's input may be sees to it that two halos and a stride are no less.
enum status tiling_create(struct tiling *tiling, int width, int height, const struct tile_rules *rules) MUST_CHECK;

int tiling_count(const struct tiling *tiling);

// Tiles are numbered row by row.
struct tile tiling_tile(const struct tiling *tiling, int number);

// The weight of the window's pixels along one direction, [axis->window], for tile `index` of that direction; 0 outside the reach. A pixel's
// weight is the product of both directions'. At every pixel of the octave the weights of all tiles sum to exactly 1, in any order of
// summing: they are multiples of 2^-11, and their products multiples of 2^-22.
void tiling_weights(const struct tile_axis *axis, int index, float *weights);

// Pixels that the network sees divided by pixels of the octave: 1 for one tile.
double tiling_redundancy(const struct tiling *tiling);

// Rows of an octave that a member holds: whole bands of TILING_BAND rows (the last may be shorter), so that sums over bands do not depend
// on who holds them. In order of members; empty where there are more members than bands.
enum { TILING_BAND = 16 };
struct span tiling_rows(int height, int members, int member);

// These rows and up to `by` more above and below them, of `height`; none of none.
struct span tiling_grown(struct span rows, int by, int height);

// Numbers of the tiles, or of any other items, that a member has: in order of members, as many for each as for any other, or one less. Of
// bands: those of tiling_rows().
struct span tiling_share(int items, int members, int member);

// Part of a rectangle, as it lies in the octave.
struct tile_part {
    struct rectangle octave; // in the octave, unrolled
    int x, y;                // its first pixel's place in the rectangle
};

// A rectangle on the octave of width x height rolled by (dy, dx): pixel (y, x) of the octave lies at ((y + dy) mod height, (x + dx) mod
// width). Its parts that lie in `rows` of the octave, none empty, disjoint; rolls wrap around. The
// rectangle lies within the rolled octave. Returns how many there are.
enum { TILING_PARTS_MAX = 4 };
int tiling_parts(const struct rectangle *rectangle, int width, int height, int dy, int dx, struct span rows,
                 struct tile_part parts[TILING_PARTS_MAX]);
