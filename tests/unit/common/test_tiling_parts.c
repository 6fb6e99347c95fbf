// SPDX-License-Identifier: MIT
// Which rows and tiles members have, and where a rectangle on the rolled octave lies: against naive_roll(), or its formula.
#include <limits.h>

#include "common/picture/tiling.h"
#include "tiling_cases.h"

enum { MEMBERS_MAX = 40 };

static void test_members(void)
{
    uint32_t state = 5;
    size_t wrong = 0;
    for (int n = 0; n < CASES; n++) {
        const int members = between(&state, 1, MEMBERS_MAX), height = random_side(&state, SIDE_MAX), tiles = between(&state, 0, 1000);
        const int bands = (height + TILING_BAND - 1) / TILING_BAND;
        int row = 0, tile = 0;
        for (int m = 0; m < members; m++) {
            const struct span rows = tiling_rows(height, members, m), share = tiling_share(tiles, members, m);
            wrong += rows.begin != row || rows.end < rows.begin || (rows.begin % TILING_BAND != 0 && rows.begin != height);
            const int held = (rows.end - rows.begin + TILING_BAND - 1) / TILING_BAND, worked = share.end - share.begin;
            wrong += held < bands / members || held > (bands + members - 1) / members;
            wrong += share.begin != tile || worked < tiles / members || worked > (tiles + members - 1) / members;
            row = rows.end;
            tile = share.end;
        }
        wrong += row != height || tile != tiles;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(same_span(tiling_rows(INT_MAX, 2, 1), (struct span){1 << 30, INT_MAX}));
    CU_ASSERT(same_span(tiling_share(INT_MAX, MEMBERS_MAX, MEMBERS_MAX - 1), (struct span){INT_MAX / 40 * 39 + 6, INT_MAX}));
}

struct roll {
    int width, height, dy, dx;
};

static struct roll random_roll(uint32_t *state, int most)
{
    struct roll roll = {.width = random_side(state, most), .height = random_side(state, most)};
    const bool far = between(state, 0, 1);
    roll.dx = far ? between(state, -3 * roll.width, 3 * roll.width) : between(state, -32, 32);
    roll.dy = far ? between(state, -3 * roll.height, 3 * roll.height) : between(state, -32, 32);
    return roll;
}

static struct rectangle random_rectangle(const struct roll *roll, uint32_t *state)
{
    struct rectangle r = {.width = between(state, 1, roll->width), .height = between(state, 1, roll->height)};
    if (between(state, 0, 2) == 0)
        r.width = roll->width;
    r.x = between(state, 0, roll->width - r.width);
    r.y = between(state, 0, roll->height - r.height);
    return r;
}

// Each pixel of the rectangle on a rolled array of indices, against the part that claims it.
static size_t wrong_part(const struct tile_part *part, const struct rectangle *rectangle, const struct roll *roll, struct span rows,
                         const float *rolled, unsigned char *claims)
{
    const struct rectangle *o = &part->octave;
    if (!inside(span_of(o, true), rows) || !inside(span_of(o, false), (struct span){0, roll->width}) || part->x < 0 || part->y < 0 ||
        part->x + o->width > rectangle->width || part->y + o->height > rectangle->height)
        return 1;
    size_t wrong = 0;
    for (int y = 0; y < o->height; y++)
        for (int x = 0; x < o->width; x++) {
            const int at = (rectangle->y + part->y + y) * roll->width + rectangle->x + part->x + x;
            wrong += rolled[at] != (float)((o->y + y) * roll->width + o->x + x);
            claims[at]++;
        }
    return wrong;
}

static void test_parts_of_small_octaves(void)
{
    uint32_t state = 6;
    size_t wrong = 0;
    int most = 0;
    for (int n = 0; n < 400; n++) {
        const struct roll roll = random_roll(&state, SMALL);
        const struct rectangle rectangle = random_rectangle(&roll, &state);
        const int members = between(&state, 1, MEMBERS_MAX), pixels = roll.width * roll.height;
        float *indices = naive_alloc((size_t)pixels * sizeof *indices), *rolled = naive_alloc((size_t)pixels * sizeof *rolled);
        unsigned char *claims = calloc((size_t)pixels, 1);
        for (int i = 0; i < pixels; i++)
            indices[i] = (float)i;
        naive_roll(indices, rolled, 1, roll.width, roll.height, roll.dy, roll.dx);
        for (int m = 0; m < members; m++) {
            const struct span rows = tiling_rows(roll.height, members, m);
            struct tile_part parts[TILING_PARTS_MAX];
            const int count = tiling_parts(&rectangle, roll.width, roll.height, roll.dy, roll.dx, rows, parts);
            CU_ASSERT_FATAL(count >= 0 && count <= TILING_PARTS_MAX);
            for (int i = 0; i < count; i++)
                wrong += wrong_part(&parts[i], &rectangle, &roll, rows, rolled, claims);
            most = count > most ? count : most;
        }
        const struct span across = span_of(&rectangle, false), down = span_of(&rectangle, true);
        for (int i = 0; i < pixels; i++) {
            const int x = i % roll.width, y = i / roll.width;
            wrong += claims[i] != (across.begin <= x && x < across.end && down.begin <= y && y < down.end);
        }
        free(claims);
        free(rolled);
        free(indices);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(most, TILING_PARTS_MAX);
}

static bool lands(int octave, int shift, int length, int at)
{
    return (((int64_t)octave + shift - at) % length) == 0 && octave >= 0 && octave < length;
}

// Both ends of each part by the formula; parts within the rectangle, disjoint, as many pixels as it has.
static size_t wrong_parts(const struct rectangle *rectangle, const struct roll *roll, int members)
{
    struct tile_part parts[MEMBERS_MAX * TILING_PARTS_MAX];
    size_t wrong = 0;
    int64_t pixels = 0;
    int count = 0;
    for (int m = 0; m < members; m++) {
        const struct span rows = tiling_rows(roll->height, members, m);
        const int first = count;
        count += tiling_parts(rectangle, roll->width, roll->height, roll->dy, roll->dx, rows, parts + first);
        for (int i = first; i < count; i++) {
            const struct rectangle *o = &parts[i].octave;
            const struct rectangle here = {parts[i].x, parts[i].y, o->width, o->height};
            wrong += !inside(span_of(o, true), rows);
            for (int down = 0; down < 2; down++) {
                const struct span from = span_of(o, down), to = span_of(&here, down), whole = span_of(rectangle, down);
                const int shift = down ? roll->dy : roll->dx, length = down ? roll->height : roll->width;
                wrong += !inside(to, (struct span){0, whole.end - whole.begin});
                wrong += !lands(from.begin, shift, length, whole.begin + to.begin);
                wrong += !lands(from.end - 1, shift, length, whole.begin + to.end - 1);
            }
            for (int k = 0; k < i; k++) {
                const struct tile_part *other = &parts[k];
                wrong += here.x < other->x + other->octave.width && other->x < here.x + here.width &&
                         here.y < other->y + other->octave.height && other->y < here.y + here.height;
            }
            pixels += (int64_t)o->width * o->height;
        }
    }
    return wrong + (pixels != (int64_t)rectangle->width * rectangle->height);
}

static void test_parts_of_large_octaves(void)
{
    uint32_t state = 7;
    size_t wrong = 0;
    for (int n = 0; n < CASES; n++) {
        const struct roll roll = random_roll(&state, SIDE_MAX);
        const struct rectangle rectangle = random_rectangle(&roll, &state);
        wrong += wrong_parts(&rectangle, &roll, between(&state, 1, MEMBERS_MAX));
    }
    CU_ASSERT_EQUAL(wrong, 0);
    const struct rectangle rectangle = {1, 2, 999999, 999998};
    CU_ASSERT_EQUAL(wrong_parts(&rectangle, &(struct roll){1000000, 1000000, INT_MIN, INT_MAX}, 3), 0);
}

static const struct unit_test tests[] = {
    {"members", test_members},
    {"parts of small octaves", test_parts_of_small_octaves},
    {"parts of large octaves", test_parts_of_large_octaves},
};
UNIT_MAIN("tiling parts", tests)
