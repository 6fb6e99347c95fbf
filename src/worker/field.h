// SPDX-License-Identifier: MIT
// An octave's values, spread over a team: each member holds some rows of all three planes.
#ifndef ONEIROS_WORKER_FIELD_H
#define ONEIROS_WORKER_FIELD_H

#include <stddef.h>

#include "common/tiling.h"

struct field {
    int width, height; // pixels of the octave
    struct span rows;  // those held here; may be none
    float *data;       // (3, rows.end - rows.begin, width)
};

// Allocates the rows, contents undefined. On failure *field is zeroed.
enum status field_create(struct field *field, int width, int height, struct span rows) MUST_CHECK;

// Frees and zeroes. A zeroed field is fine.
void field_destroy(struct field *field);

// Values in one plane's rows held here, and in all.
static inline size_t field_plane(const struct field *field)
{
    return (size_t)(field->rows.end - field->rows.begin) * (size_t)field->width;
}
static inline size_t field_count(const struct field *field)
{
    return 3 * field_plane(field);
}

// Row `y` of the octave in plane `c`; y is in field->rows.
static inline float *field_row(const struct field *field, int c, int y)
{
    return field->data + (size_t)c * field_plane(field) + (size_t)(y - field->rows.begin) * (size_t)field->width;
}

#endif
