// SPDX-License-Identifier: MIT
#include "common/heat.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE_MAX = 1 << 20 }; // pixels along one side of an octave; what is beyond is nonsense

// One direction of a grid and of a picture.
struct axis {
    int count;            // values
    double first, stride; // where value 0 lies and how far it is to the next, in pixels of the rolled octave
    double per_pixel;     // 1 / stride
    double roll;          // 0 <= roll < size
    double size, scale;   // pixels of the octave; of the octave a pixel of the picture
};

static bool grid_is_sound(const struct heat_grid *grid)
{
    return grid->octave_width <= SIDE_MAX && grid->octave_height <= SIDE_MAX && grid->width >= 1 && grid->width <= grid->octave_width &&
           grid->height >= 1 && grid->height <= grid->octave_height && grid->stride >= 1;
}

enum status heat_create(struct heat *heat, const struct heat_grid *grid)
{
    memset(heat, 0, sizeof *heat);
    if (!grid_is_sound(grid))
        return fail(STATUS_INTERNAL, "a map of %d x %d values, %d pixels apart, over %d x %d pixels", grid->width, grid->height,
                    grid->stride, grid->octave_width, grid->octave_height);
    heat->values = malloc((size_t)grid->width * (size_t)grid->height * sizeof *heat->values);
    if (!heat->values)
        return fail(STATUS_LIMIT, "no memory for a map of %d x %d values", grid->width, grid->height);
    heat->grid = *grid;
    return STATUS_OK;
}

void heat_destroy(struct heat *heat)
{
    free(heat->values);
    memset(heat, 0, sizeof *heat);
}

static struct axis axis_of(const struct heat_grid *grid, int count, int octave, int roll, int picture)
{
    return (struct axis){.count = count,
                         .first = grid->centre,
                         .stride = grid->stride,
                         .per_pixel = 1.0 / grid->stride,
                         .roll = (roll % octave + octave) % octave,
                         .size = octave,
                         .scale = (double)octave / picture};
}

// Two neighbouring values and how far from the first to the second.
struct place {
    int first, second;
    float part;
};

// Where pixel i of the picture lies between the values.
static inline struct place axis_place(const struct axis *axis, int i)
{
    double at = (i + 0.5) * axis->scale - 0.5 + axis->roll;
    if (at >= axis->size - 0.5)
        at -= axis->size;
    const double last = axis->first + (axis->count - 1) * axis->stride;
    const bool behind = at > last;
    if (at >= axis->first && !behind) {
        const double steps = (at - axis->first) * axis->per_pixel;
        const int first = (int)steps;
        return (struct place){first, first + 1 < axis->count ? first + 1 : first, (float)(steps - first)};
    }
    const int border = behind ? axis->count - 1 : 0;
    const double gap = axis->first + axis->size - last; // from the last value, across the seam, to the first
    if (axis->roll == 0 || gap <= 0)
        return (struct place){border, border, 0};
    return (struct place){axis->count - 1, 0, (float)(((behind ? at : at + axis->size) - last) / gap)};
}

void heat_row(const struct heat *heat, int width, int height, int y, float *out)
{
    const struct heat_grid *grid = &heat->grid;
    const struct axis down = axis_of(grid, grid->height, grid->octave_height, grid->dy, height);
    const struct axis across = axis_of(grid, grid->width, grid->octave_width, grid->dx, width);
    const struct place row = axis_place(&down, y);
    const float *above = heat->values + (size_t)row.first * (size_t)grid->width;
    const float *below = heat->values + (size_t)row.second * (size_t)grid->width;
    for (int x = 0; x < width; x++) {
        const struct place column = axis_place(&across, x);
        const float upper = above[column.first] + column.part * (above[column.second] - above[column.first]);
        const float lower = below[column.first] + column.part * (below[column.second] - below[column.first]);
        out[x] = upper + row.part * (lower - upper);
    }
}
