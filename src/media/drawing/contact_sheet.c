// SPDX-License-Identifier: MIT
#include "media/drawing/contact_sheet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/picture/resample.h"
#include "media/drawing/label.h"

enum {
    PANEL_SIDE = 480, // longest
    CELL_MIN = 280,   // wide enough for most labels
    GAP = 8,
};

static int cell_width(const struct explain_sheet *sheet)
{
    return sheet->panel_width > CELL_MIN ? sheet->panel_width : CELL_MIN;
}

static int cell_height(const struct explain_sheet *sheet)
{
    return LABEL_HEIGHT + GAP / 2 + sheet->panel_height;
}

static int side(int pixels, int longest)
{
    const int scaled = (int)(((int64_t)pixels * PANEL_SIDE + longest / 2) / longest);
    return scaled > 0 ? scaled : 1;
}

enum status explain_sheet_create(struct explain_sheet *sheet, int rows, int width, int height)
{
    const int longest = width > height ? width : height;
    *sheet = (struct explain_sheet){.rows = rows, .panel_width = side(width, longest), .panel_height = side(height, longest)};
    const enum status rc =
        image_create(&sheet->image, SHEET_COLUMNS * (cell_width(sheet) + GAP) + GAP, rows * (cell_height(sheet) + GAP) + GAP);
    if (rc != STATUS_OK) {
        *sheet = (struct explain_sheet){0};
        return rc;
    }
    const size_t count = 3 * (size_t)sheet->image.width * (size_t)sheet->image.height;
    for (size_t i = 0; i < count; i++)
        sheet->image.rgb[i] = 1;
    return STATUS_OK;
}

enum status explain_sheet_put(struct explain_sheet *sheet, int row, int column, const struct image *picture, const char *label)
{
    struct image panel;
    enum status rc;
    assert(row >= 0 && row < sheet->rows && column >= 0 && column < SHEET_COLUMNS);
    const int left = GAP + column * (cell_width(sheet) + GAP), top = GAP + row * (cell_height(sheet) + GAP);
    const size_t width = (size_t)sheet->panel_width, height = (size_t)sheet->panel_height;
    const size_t x = (size_t)(left + (cell_width(sheet) - sheet->panel_width) / 2), y = (size_t)(top + LABEL_HEIGHT + GAP / 2);
    TRY_OUT(image_create(&panel, sheet->panel_width, sheet->panel_height));
    TRY_OUT(resample(picture->rgb, 3, picture->width, picture->height, panel.rgb, panel.width, panel.height));
    for (size_t c = 0; c < 3; c++)
        for (size_t j = 0; j < height; j++)
            memcpy(sheet->image.rgb + (c * (size_t)sheet->image.height + y + j) * (size_t)sheet->image.width + x,
                   panel.rgb + (c * height + j) * width, width * sizeof(float));
    label_draw(&sheet->image, (int)x, top, cell_width(sheet) - (int)(x - (size_t)left), label);
out:
    image_destroy(&panel);
    return rc;
}

void explain_sheet_destroy(struct explain_sheet *sheet)
{
    image_destroy(&sheet->image);
    *sheet = (struct explain_sheet){0};
}
