// SPDX-License-Identifier: MIT
// Arrays that come in parts, several of them at a time: each ends whole and as it was cut, and what fits none is refused.
#include "coordinator/results/array_assembly.h"

#include <stdlib.h>

#include "unit.h"

enum { IMAGE = 7, CHANNELS = 2, HEIGHT = 5, WIDTH = 6, VALUES = CHANNELS * HEIGHT * WIDTH };

static struct array_part part_of(int kind, int target, int variant, int frame)
{
    return (struct array_part){.image = IMAGE,
                               .kind = kind,
                               .target = target,
                               .variant = variant,
                               .frame = frame,
                               .channels = CHANNELS,
                               .height = HEIGHT,
                               .width = WIDTH,
                               .rows = HEIGHT,
                               .columns = WIDTH};
}

// Of all places in all arrays each has a value of its own.
static float value_at(const struct array_part *part, int channel, int y, int x)
{
    return (float)((((part->kind * 10 + part->target) * 10 + part->variant) * 10 + part->frame) * VALUES + (channel * HEIGHT + y) * WIDTH +
                   x);
}

// The part's values, which arrays_add() takes.
static float *values_of(const struct array_part *part)
{
    float *values = malloc((size_t)(part->channels * part->rows * part->columns) * sizeof *values), *to = values;
    CU_ASSERT_PTR_NOT_NULL_FATAL(values);
    for (int c = 0; c < part->channels; c++)
        for (int y = 0; y < part->rows; y++)
            for (int x = 0; x < part->columns; x++)
                *to++ = value_at(part, c, part->y + y, part->x + x);
    return values;
}

static void expect_whole(const struct array *whole, const struct array_part *part)
{
    const struct array_part *found = &whole->part;
    CU_ASSERT_PTR_NOT_NULL_FATAL(whole->values);
    CU_ASSERT(found->kind == part->kind && found->target == part->target && found->variant == part->variant && found->frame == part->frame);
    CU_ASSERT(found->y == 0 && found->x == 0 && found->rows == HEIGHT && found->columns == WIDTH);
    for (int i = 0; i < VALUES; i++)
        CU_ASSERT_EQUAL(whole->values[i], value_at(part, i / (HEIGHT * WIDTH), i / WIDTH % HEIGHT, i % WIDTH));
}

// Four arrays that differ in one thing each, in four parts each, the parts of all of them in turn.
static void test_side_by_side(void)
{
    const struct array_part arrays_of[] = {part_of(1, 0, 0, 0), part_of(2, 0, 0, 0), part_of(1, 1, 0, 0), part_of(1, 0, 1, 0),
                                           part_of(1, 0, 0, 1)};
    enum { ARRAYS = sizeof arrays_of / sizeof arrays_of[0], PARTS = 4, ROWS = 2, COLUMNS = 4 };
    struct arrays arrays = {0};
    for (int p = 0; p < PARTS; p++)
        for (int a = 0; a < ARRAYS; a++) {
            struct array_part part = arrays_of[a];
            struct array whole;
            part.y = p < 2 ? 0 : ROWS;
            part.x = p % 2 ? COLUMNS : 0;
            part.rows = p < 2 ? ROWS : HEIGHT - ROWS;
            part.columns = p % 2 ? WIDTH - COLUMNS : COLUMNS;
            UNIT_OK(arrays_add(&arrays, IMAGE, &part, values_of(&part), &whole));
            CU_ASSERT_EQUAL(whole.values != NULL, p == PARTS - 1);
            if (p == PARTS - 1)
                expect_whole(&whole, &arrays_of[a]);
            free(whole.values);
        }
    CU_ASSERT(arrays.received == ARRAYS * PARTS && arrays.bytes == (int64_t)(ARRAYS * VALUES * sizeof(float)));
    CU_ASSERT_PTR_NULL(arrays.first);
    arrays_destroy(&arrays);
}

// One part that is all of it is handed on as it is.
static void test_at_once(void)
{
    const struct array_part part = part_of(3, 0, 0, 0);
    struct arrays arrays = {0};
    struct array whole;
    float *values = values_of(&part);
    UNIT_OK(arrays_add(&arrays, IMAGE, &part, values, &whole));
    CU_ASSERT_PTR_EQUAL(whole.values, values);
    expect_whole(&whole, &part);
    free(whole.values);
    arrays_destroy(&arrays);
}

static void refuse(struct arrays *arrays, const struct array_part *part)
{
    struct array whole;
    UNIT_FAILS(arrays_add(arrays, IMAGE, part, malloc(sizeof(float)), &whole), STATUS_INTERNAL, "does not belong to image 7");
    CU_ASSERT_PTR_NULL(whole.values);
}

// None of these is read: their values would not be there.
static void test_refused(void)
{
    const struct array_part good = part_of(1, 0, 0, 0);
    struct arrays arrays = {0};
    struct array_part part = good;
    struct array whole;
    part.image = IMAGE + 1;
    refuse(&arrays, &part);
    const struct {
        int y, x, rows, columns;
    } outside[] = {{1, 0, HEIGHT, 1}, {0, 1, 1, WIDTH}, {-1, 0, 1, 1}, {0, -1, 1, 1},
                   {HEIGHT, 0, 1, 1}, {0, WIDTH, 1, 1}, {0, 0, 0, 1},  {0, 0, 1, 0}};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        part = good;
        part.y = outside[i].y;
        part.x = outside[i].x;
        part.rows = outside[i].rows;
        part.columns = outside[i].columns;
        refuse(&arrays, &part);
    }
    part = good; // the first rows, and then others of another shape, and more than are missing
    part.rows = HEIGHT - 1;
    UNIT_OK(arrays_add(&arrays, IMAGE, &part, values_of(&part), &whole));
    refuse(&arrays, &part);
    part.y = HEIGHT - 1;
    part.rows = 1;
    part.width = WIDTH + 1;
    refuse(&arrays, &part);
    arrays_destroy(&arrays); // with one that is not whole
}

static const struct unit_test tests[] = {
    {"side by side", test_side_by_side},
    {"at once", test_at_once},
    {"refused", test_refused},
};
UNIT_MAIN("arrays", tests)
