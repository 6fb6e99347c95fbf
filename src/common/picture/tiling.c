// SPDX-License-Identifier: MIT
#include "common/picture/tiling.h"

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum { WEIGHT_UNIT = 2048 };

// In what follows `room` is the strides that fit between the halos of the octave's two ends. The `count` windows begin within
// floor((count - 1) * room / count) strides: the most that leaves neighbours an overlap of two halos, so the window is the shortest one.
static int shortest_window(int length, int64_t room, int64_t count, int stride)
{
    return (int)(length - stride * ((count - 1) * room / count));
}

// Cuts one direction. Where the halo leaves no room, raises *least to the size that this direction would need.
static bool cut(struct tile_axis *axis, int length, const struct tile_rules *rules, int *least)
{
    *axis = (struct tile_axis){.length = length, .count = 1, .window = length, .blend = rules->blend, .stride = rules->stride};
    if (length <= rules->size)
        return true;

    const int64_t stride = rules->stride, room = (length - 2 * (int64_t)rules->halo) / stride;
    // Neighbouring windows begin room / count strides apart, rounded either way: down must do. Inner cores are at least as long.
    const int64_t apart = rules->blend > 0 ? (2 * (int64_t)rules->blend + stride - 1) / stride : 1;
    int64_t most = room / apart; // tiles
    if (most < 2)                // two have no inner core
        most = room >= 2 ? 2 : 1;

    const int64_t span = ((int64_t)length - rules->size + stride - 1) / stride; // strides that the origins must span, at least
    const int64_t count = room > span ? 1 + (span + room - span - 1) / (room - span) : most + 1;
    if (count > most) {
        const int size = shortest_window(length, room, most, rules->stride);
        *least = size > *least ? size : *least;
        return false;
    }
    axis->count = (int)count;
    axis->window = shortest_window(length, room, count, rules->stride);
    return true;
}

enum status tiling_create(struct tiling *tiling, int width, int height, const struct tile_rules *rules)
{
    assert(width > 0 && height > 0 && rules->size > 0 && rules->stride > 0);
    assert(rules->halo % rules->stride == 0 && rules->blend >= 0 && rules->blend <= rules->halo);
    int least = 0;
    const bool across = cut(&tiling->across, width, rules, &least), down = cut(&tiling->down, height, rules, &least);
    if (!across || !down)
        return fail(
            STATUS_LIMIT,
            "tile.size %d leaves no room for a halo of %d pixels and a blend of %d in an octave of %d x %d, which needs at least %d, "
            "and other octaves perhaps more; or take a smaller tile.halo",
            rules->size, rules->halo, rules->blend, width, height, least);
    const int64_t count = (int64_t)tiling->across.count * tiling->down.count;
    if (count > INT_MAX)
        return fail(STATUS_LIMIT, "tile.size %d cuts an octave of %d x %d into %lld tiles, more than %d: a larger one would do",
                    rules->size, width, height, (long long)count, INT_MAX);
    return STATUS_OK;
}

int tiling_count(const struct tiling *tiling)
{
    return tiling->across.count * tiling->down.count;
}

static int origin(const struct tile_axis *axis, int index)
{
    if (index == 0)
        return 0;
    const int64_t span = (axis->length - axis->window) / axis->stride;
    return (int)(axis->stride * (index * span / (axis->count - 1)));
}

// Where the core of tile `index` begins and that of the one before ends; 0 and the octave's length at the ends.
static int border(const struct tile_axis *axis, int index)
{
    if (index == 0)
        return 0;
    if (index == axis->count)
        return axis->length;
    const int64_t middle = ((int64_t)origin(axis, index - 1) + axis->window + origin(axis, index)) / 2;
    return (int)(middle - middle % axis->stride);
}

static struct span core_of(const struct tile_axis *axis, int index)
{
    return (struct span){border(axis, index), border(axis, index + 1)};
}

static struct span reach_of(const struct tile_axis *axis, int index)
{
    const struct span core = core_of(axis, index);
    return (struct span){index > 0 ? core.begin - axis->blend : core.begin, index < axis->count - 1 ? core.end + axis->blend : core.end};
}

static struct rectangle rectangle_of(struct span across, struct span down)
{
    return (struct rectangle){across.begin, down.begin, across.end - across.begin, down.end - down.begin};
}

struct tile tiling_tile(const struct tiling *tiling, int number)
{
    const struct tile_axis *across = &tiling->across, *down = &tiling->down;
    assert(number >= 0 && number < tiling_count(tiling));
    const int i = number % across->count, k = number / across->count;
    return (struct tile){
        .window = {origin(across, i), origin(down, k), across->window, down->window},
        .core = rectangle_of(core_of(across, i), core_of(down, k)),
        .reach = rectangle_of(reach_of(across, i), reach_of(down, k)),
    };
}

// The right neighbour's weight at the k-th pixel of the ramp between two tiles, and before and behind it, of WEIGHT_UNIT.
static int ramp(int64_t k, int64_t blend)
{
    if (k < 0)
        return 0;
    return k >= 2 * blend ? WEIGHT_UNIT : (int)((WEIGHT_UNIT / 2 * (2 * k + 1) + blend) / (2 * blend));
}

void tiling_weights(const struct tile_axis *axis, int index, float *weights)
{
    assert(index >= 0 && index < axis->count);
    const bool first = index == 0, last = index == axis->count - 1;
    const struct span core = core_of(axis, index);
    for (int i = 0, x = origin(axis, index); i < axis->window; i++, x++) {
        const int rise = first ? WEIGHT_UNIT : ramp(x - core.begin + axis->blend, axis->blend);
        const int fall = last ? 0 : ramp(x - core.end + axis->blend, axis->blend);
        weights[i] = (float)(rise - fall) / WEIGHT_UNIT;
    }
}

double tiling_redundancy(const struct tiling *tiling)
{
    const struct tile_axis *across = &tiling->across, *down = &tiling->down;
    return (double)across->count * across->window / across->length * ((double)down->count * down->window / down->length);
}

struct span tiling_share(int items, int members, int member)
{
    assert(items >= 0 && member >= 0 && member < members);
    return (struct span){(int)((int64_t)items * member / members), (int)((int64_t)items * (member + 1) / members)};
}

struct span tiling_rows(int height, int members, int member)
{
    const int bands = height / TILING_BAND + (height % TILING_BAND > 0);
    struct span rows = tiling_share(bands, members, member);
    rows.begin *= TILING_BAND;
    rows.end = rows.end == bands ? height : rows.end * TILING_BAND;
    return rows;
}

struct span tiling_grown(struct span rows, int by, int height)
{
    if (rows.begin >= rows.end)
        return rows;
    return (struct span){rows.begin > by ? rows.begin - by : 0, rows.end < height - by ? rows.end + by : height};
}

// Pixels in a row on the rolled octave that are in a row in the octave, too.
struct piece {
    struct span octave;
    int offset; // of the first one among all
};

// `count` pixels from `first` on of a direction of `length`, rolled by `shift`: up to the octave's end, then from its beginning on; the
// latter is empty where they do not get there.
static void unroll(int first, int count, int length, int shift, struct piece pieces[2])
{
    assert(first >= 0 && count >= 0 && first <= length - count);
    const int64_t behind = ((int64_t)first - shift) % length;
    const int begin = (int)(behind < 0 ? behind + length : behind);
    const int before = count < length - begin ? count : length - begin;
    pieces[0] = (struct piece){{begin, begin + before}, 0};
    pieces[1] = (struct piece){{0, count - before}, before};
}

static void clip(struct piece *piece, struct span rows)
{
    const int begin = piece->octave.begin > rows.begin ? piece->octave.begin : rows.begin;
    piece->offset += begin - piece->octave.begin;
    piece->octave.begin = begin;
    piece->octave.end = piece->octave.end < rows.end ? piece->octave.end : rows.end;
}

int tiling_parts(const struct rectangle *rectangle, int width, int height, int dy, int dx, struct span rows,
                 struct tile_part parts[TILING_PARTS_MAX])
{
    struct piece across[2], down[2];
    unroll(rectangle->x, rectangle->width, width, dx, across);
    unroll(rectangle->y, rectangle->height, height, dy, down);
    int count = 0;
    for (int i = 0; i < 2; i++) {
        clip(&down[i], rows);
        for (int k = 0; k < 2; k++)
            if (down[i].octave.begin < down[i].octave.end && across[k].octave.begin < across[k].octave.end)
                parts[count++] = (struct tile_part){rectangle_of(across[k].octave, down[i].octave), across[k].offset, down[i].offset};
    }
    return count;
}
