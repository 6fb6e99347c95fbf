// SPDX-License-Identifier: MIT
#include "common/picture/heat.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE_MAX = 1 << 20 }; // pixels along one side of an octave; what is beyond is nonsense

// One direction of a grid and of a picture.
struct axis {
    int count;          // values
    double first, last; // where value 0 and the last lie, in pixels of the rolled octave
    double stride;      // pixels from one to the next
    double roll;        // 0 <= roll < size
    double size, scale; // pixels of the octave; of the octave a pixel of the picture
};

// Between the last value and the first, all around the octave, lies something.
static bool is_sound(int values, int stride, int pixels)
{
    return pixels >= 1 && pixels <= SIDE_MAX && stride >= 1 && values >= 1 && (int64_t)stride * (values - 1) < pixels;
}

enum status heat_create(struct heat *heat, const struct heat_grid *grid)
{
    memset(heat, 0, sizeof *heat);
    if (!is_sound(grid->width, grid->stride, grid->octave_width) || !is_sound(grid->height, grid->stride, grid->octave_height))
        return fail(STATUS_INTERNAL, "a map of %d x %d values, %d pixels apart, over %d x %d pixels", grid->width, grid->height,
                    grid->stride, grid->octave_width, grid->octave_height);
    TRY(ALLOCATE(heat->values, (size_t)grid->width * (size_t)grid->height, "for a map of %d x %d values", grid->width, grid->height));
    heat->grid = *grid;
    return STATUS_OK;
}

void heat_destroy(struct heat *heat)
{
    free(heat->values);
    memset(heat, 0, sizeof *heat);
}

float heat_normalise(struct heat *heat)
{
    const size_t count = (size_t)heat->grid.width * (size_t)heat->grid.height;
    float most = 0;
    for (size_t i = 0; i < count; i++)
        most = heat->values[i] > most ? heat->values[i] : most;
    for (size_t i = 0; i < count && most > 0; i++)
        heat->values[i] /= most;
    return most;
}

static struct axis axis_of(const struct heat_grid *grid, int count, int octave, int roll, int picture)
{
    return (struct axis){.count = count,
                         .first = grid->centre,
                         .last = grid->centre + (double)grid->stride * (count - 1),
                         .stride = grid->stride,
                         .roll = (roll % octave + octave) % octave,
                         .size = octave,
                         .scale = (double)octave / picture};
}

// Pixels of the picture that lie between the same two values: `part` of the way from the first to the second, `step` more with each pixel.
struct run {
    int first, second;
    double part, step;
    int pixels; // the next run begins behind them; may go beyond the picture
};

static int steps_to(double distance, double step)
{
    const double steps = ceil(distance / step);
    return steps < 1 ? 1 : steps < INT_MAX ? (int)steps : INT_MAX;
}

// The run in which pixel i of the picture lies, from there on.
static struct run axis_run(const struct axis *axis, int i)
{
    double at = (i + 0.5) * axis->scale - 0.5 + axis->roll;
    if (at >= axis->size - 0.5)
        at -= axis->size;
    const int border = axis->count - 1;
    struct run run;
    if (at >= axis->first && at < axis->last) {
        const double place = (at - axis->first) / axis->stride;
        run.first = (int)place < border ? (int)place : border - 1;
        run.second = run.first + 1;
        run.part = place - run.first;
        run.step = axis->scale / axis->stride;
    } else if (axis->roll > 0) { // across the seam
        const double gap = axis->first + axis->size - axis->last;
        run.first = border;
        run.second = 0;
        run.part = ((at < axis->first ? at + axis->size : at) - axis->last) / gap;
        run.step = axis->scale / gap;
    } else if (at < axis->first) {
        return (struct run){.pixels = steps_to(axis->first - at, axis->scale)};
    } else {
        return (struct run){.first = border, .second = border, .pixels = INT_MAX};
    }
    run.pixels = steps_to(1 - run.part, run.step);
    return run;
}

void heat_row(const struct heat *heat, int width, int height, int y, float *out)
{
    const struct heat_grid *grid = &heat->grid;
    const struct axis down = axis_of(grid, grid->height, grid->octave_height, grid->dy, height);
    const struct axis across = axis_of(grid, grid->width, grid->octave_width, grid->dx, width);
    const struct run row = axis_run(&down, y);
    const float *above = heat->values + (size_t)row.first * (size_t)grid->width;
    const float *below = heat->values + (size_t)row.second * (size_t)grid->width;
    const float lower = (float)row.part, upper = 1 - lower;
    for (int x = 0; x < width;) {
        const struct run run = axis_run(&across, x);
        const float left = above[run.first] * upper + below[run.first] * lower;
        const float right = above[run.second] * upper + below[run.second] * lower;
        const float begin = left + (float)run.part * (right - left), step = (float)run.step * (right - left);
        const int pixels = run.pixels < width - x ? run.pixels : width - x;
        for (int k = 0; k < pixels; k++)
            out[x + k] = begin + (float)k * step;
        x += pixels;
    }
}
