// SPDX-License-Identifier: MIT
// An octave's values, spread over a team: each member holds some rows of all three planes.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/picture/tiling.h"

struct slab {
    int width, height; // pixels of the octave
    struct span rows;  // those held here; may be none
    float *data;       // (3, rows.end - rows.begin, width)
};

// Allocates the rows, contents undefined. On failure *slab is zeroed.
enum status slab_create(struct slab *slab, int width, int height, struct span rows) MUST_CHECK;

// Allocates the same rows and copies them.
enum status slab_copy(struct slab *slab, const struct slab *from) MUST_CHECK;

// Frees and zeroes. A zeroed slab is fine.
void slab_destroy(struct slab *slab);

// Values in one plane's rows held here, and in all.
static inline size_t slab_plane(const struct slab *slab)
{
    return (size_t)(slab->rows.end - slab->rows.begin) * (size_t)slab->width;
}
static inline size_t slab_count(const struct slab *slab)
{
    return 3 * slab_plane(slab);
}

// Row `y` of the octave in plane `c`; y is in slab->rows.
static inline float *slab_row(const struct slab *slab, int c, int y)
{
    return slab->data + (size_t)c * slab_plane(slab) + (size_t)(y - slab->rows.begin) * (size_t)slab->width;
}

void slab_fill(struct slab *slab, float value);

// to += scale * from; both hold the same rows.
void slab_add(struct slab *to, const struct slab *from, float scale);

// To [-1, 1], row `y` or all. `colours`: not each channel by itself, but lightness first (Rec. 601), then the colour is made paler until it
// fits, so that a hue stays what it is.
void slab_clip_row(struct slab *slab, int y, bool colours);
void slab_clip(struct slab *slab, bool colours);
