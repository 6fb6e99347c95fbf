// SPDX-License-Identifier: MIT
// An octave's values, spread over a team: each member holds some rows of all three planes.
#pragma once

#include <stddef.h>

#include "common/picture/tiling.h"

struct slab {
    int width, height; // pixels of the octave
    struct span rows;  // those held here; may be none
    float *data;       // (3, rows.end - rows.begin, width)
};

// Allocates the rows, contents undefined. On failure *field is zeroed.
enum status slab_create(struct slab *field, int width, int height, struct span rows) MUST_CHECK;

// Frees and zeroes. A zeroed field is fine.
void slab_destroy(struct slab *field);

// Values in one plane's rows held here, and in all.
static inline size_t slab_plane(const struct slab *field)
{
    return (size_t)(field->rows.end - field->rows.begin) * (size_t)field->width;
}
static inline size_t slab_count(const struct slab *field)
{
    return 3 * slab_plane(field);
}

// Row `y` of the octave in plane `c`; y is in field->rows.
static inline float *slab_row(const struct slab *field, int c, int y)
{
    return field->data + (size_t)c * slab_plane(field) + (size_t)(y - field->rows.begin) * (size_t)field->width;
}
