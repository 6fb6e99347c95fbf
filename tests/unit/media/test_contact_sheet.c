// SPDX-License-Identifier: MIT
// Panels stand in the middle of their cells, and labels end where their cell does.
#include "media/drawing/contact_sheet.h"

#include <stdbool.h>

#include "unit.h"

enum { GAP = 8, LABEL = 18, CELL = 280, SIDE = 480 };

static float sample(const struct contact_sheet *sheet, int x, int y)
{
    return sheet->image.rgb[(size_t)y * (size_t)sheet->image.width + (size_t)x];
}

static void put(struct contact_sheet *sheet, int row, int column, const char *label)
{
    struct image picture;
    UNIT_OK(image_create(&picture, 60, 240));
    for (int i = 0; i < 3 * 60 * 240; i++)
        picture.rgb[i] = 0.5f;
    UNIT_OK(contact_sheet_put(sheet, row, column, &picture, label));
    image_destroy(&picture);
}

// A picture that is a quarter as wide as it is high, in a cell that is as wide as labels need it.
static void test_panels(void)
{
    struct contact_sheet sheet;
    UNIT_OK(contact_sheet_create(&sheet, 2, 60, 240));
    CU_ASSERT(sheet.image.width == SHEET_COLUMNS * (CELL + GAP) + GAP && sheet.image.height == 2 * (LABEL + GAP / 2 + SIDE + GAP) + GAP);
    put(&sheet, 1, 2, "");
    const int left = GAP + 2 * (CELL + GAP) + (CELL - SIDE / 4) / 2, top = GAP + LABEL + GAP / 2 + SIDE + GAP + LABEL + GAP / 2;
    size_t painted = 0;
    for (int y = 0; y < sheet.image.height; y++)
        for (int x = 0; x < sheet.image.width; x++) {
            const bool inside = x >= left && x < left + SIDE / 4 && y >= top && y < top + SIDE;
            painted += (sample(&sheet, x, y) != 1) != inside;
        }
    CU_ASSERT_EQUAL(painted, 0);
    contact_sheet_destroy(&sheet);
}

static void test_labels(void)
{
    struct contact_sheet sheet;
    UNIT_OK(contact_sheet_create(&sheet, 1, 60, 240));
    put(&sheet, 0, 1, "MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM");
    const int left = GAP + CELL + GAP, begin = left + (CELL - SIDE / 4) / 2;
    int first = sheet.image.width, last = -1;
    for (int y = GAP; y < GAP + LABEL; y++)
        for (int x = 0; x < sheet.image.width; x++)
            if (sample(&sheet, x, y) < 0) {
                first = x < first ? x : first;
                last = x > last ? x : last;
            }
    CU_ASSERT(first == begin && last < left + CELL && last >= left + CELL - 12); // letters are 12 pixels apart
    contact_sheet_destroy(&sheet);
}

static const struct unit_test tests[] = {
    {"panels", test_panels},
    {"labels", test_labels},
};
UNIT_MAIN("contact sheet", tests)
