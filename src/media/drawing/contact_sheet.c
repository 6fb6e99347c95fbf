// SPDX-License-Identifier: MIT
#include "media/drawing/contact_sheet.h"

#include <assert.h>
#include <string.h>

#include "common/picture/resample.h"

// Letters of our own: a font file may not be there on every machine.
enum {
    COLUMNS = 5,
    ROWS = 9, // two of them below the line
    DOT = 2,  // pixels, each way
    ADVANCE = (COLUMNS + 1) * DOT,
};
static const float ink = -0.75f;

// Dots row by row, the upper left one is the highest of the 45 bits.
static const uint64_t digits[] = {
    0x0e8ceb98b800, 0x046108423800, 0x0e8844447c00, 0x1f110418b800, 0x0232a5f10800,
    0x1f878218b800, 0x06443d18b800, 0x1f0888842000, 0x0e8c5d18b800, 0x0e8c5e113000,
};
static const uint64_t capitals[] = {
    0x0e8c7f18c400, 0x1e8c7d18f800, 0x0e8c2108b800, 0x1e8c6318f800, 0x1f843d087c00, 0x1f843d084000, 0x0e8c2f18bc00,
    0x118c7f18c400, 0x0e2108423800, 0x071084293000, 0x119531494400, 0x108421087c00, 0x11dd6b18c400, 0x11cd6718c400,
    0x0e8c6318b800, 0x1e8c7d084000, 0x0e8c63593400, 0x1e8c7d494400, 0x0f841c10f800, 0x1f2108421000, 0x118c6318b800,
    0x118c63151000, 0x118c6b5dc400, 0x118a88a8c400, 0x118a88421000, 0x1f0888887c00,
};
static const uint64_t smalls[] = {
    0x000382f8bc00, 0x1087a318f800, 0x0003a108b800, 0x010be318bc00, 0x0003a3f83800, 0x064710842000, 0x0003e318bc2e,
    0x1087a318c400, 0x040308423800, 0x02018421084c, 0x1084a98a4800, 0x0c2108423800, 0x0006ab5ad400, 0x0007a318c400,
    0x0003a318b800, 0x0007a318fa10, 0x0003e318bc21, 0x0005b3084000, 0x0003e0e0f800, 0x084710849800, 0x00046319b400,
    0x000463151000, 0x0004635aa800, 0x000454454400, 0x00046318bc2e, 0x0007c4447c00,
};

static uint64_t dots_of(char letter)
{
    if (letter >= '0' && letter <= '9')
        return digits[letter - '0'];
    if (letter >= 'A' && letter <= 'Z')
        return capitals[letter - 'A'];
    if (letter >= 'a' && letter <= 'z')
        return smalls[letter - 'a'];
    if (letter == '.')
        return 0x000000001000;
    return letter == '+' ? 0x00213e420000 : letter == '-' ? 0x00003e000000 : letter == '_' ? 0x0000000003e0 : 0;
}

static void draw_dot(struct image *image, int x, int y)
{
    const size_t plane = (size_t)image->width * (size_t)image->height;
    for (size_t c = 0; c < 3; c++)
        for (int j = 0; j < DOT; j++)
            for (int i = 0; i < DOT; i++)
                image->rgb[c * plane + (size_t)(y + j) * (size_t)image->width + (size_t)(x + i)] = ink;
}

// The text in dark grey with its upper left corner at (x, y). What does not fit in `width` pixels is left out. Letters, digits, '+', '-',
// '.' and '_' have dots; anything else is a blank.
static void draw_label(struct image *image, int x, int y, int width, const char *text)
{
    assert(x >= 0 && y >= 0 && x + width <= image->width && y + ROWS * DOT <= image->height);
    for (int at = x; *text && at + COLUMNS * DOT <= x + width; text++, at += ADVANCE) {
        const uint64_t dots = dots_of(*text);
        for (int i = 0; i < ROWS * COLUMNS; i++)
            if (dots >> (ROWS * COLUMNS - 1 - i) & 1)
                draw_dot(image, at + i % COLUMNS * DOT, y + i / COLUMNS * DOT);
    }
}

enum {
    PANEL_SIDE = 480, // longest
    CELL_MIN = 280,   // wide enough for most labels
    GAP = 8,
    LABEL_HEIGHT = ROWS * DOT,
};

static int cell_width(const struct contact_sheet *sheet)
{
    return sheet->panel_width > CELL_MIN ? sheet->panel_width : CELL_MIN;
}

static int cell_height(const struct contact_sheet *sheet)
{
    return LABEL_HEIGHT + GAP / 2 + sheet->panel_height;
}

static int side(int pixels, int longest)
{
    const int scaled = (int)(((int64_t)pixels * PANEL_SIDE + longest / 2) / longest);
    return scaled > 0 ? scaled : 1;
}

enum status contact_sheet_create(struct contact_sheet *sheet, int rows, int width, int height)
{
    const int longest = width > height ? width : height;
    *sheet = (struct contact_sheet){.rows = rows, .panel_width = side(width, longest), .panel_height = side(height, longest)};
    TRY(image_create(&sheet->image, SHEET_COLUMNS * (cell_width(sheet) + GAP) + GAP, rows * (cell_height(sheet) + GAP) + GAP));
    const size_t count = 3 * (size_t)sheet->image.width * (size_t)sheet->image.height;
    for (size_t i = 0; i < count; i++)
        sheet->image.rgb[i] = 1;
    return STATUS_OK;
}

// Where the cell's panel begins, and the room to its right end.
static void find_cell(const struct contact_sheet *sheet, int row, int column, int *x, int *top, int *room)
{
    assert(row >= 0 && row < sheet->rows && column >= 0 && column < SHEET_COLUMNS);
    const int left = GAP + column * (cell_width(sheet) + GAP);
    *x = left + (cell_width(sheet) - sheet->panel_width) / 2;
    *top = GAP + row * (cell_height(sheet) + GAP);
    *room = cell_width(sheet) - (*x - left);
}

enum status contact_sheet_put(struct contact_sheet *sheet, int row, int column, const struct image *picture, const char *label)
{
    struct image panel;
    enum status rc;
    int left, top, room;
    find_cell(sheet, row, column, &left, &top, &room);
    const size_t width = (size_t)sheet->panel_width, height = (size_t)sheet->panel_height;
    const size_t x = (size_t)left, y = (size_t)(top + LABEL_HEIGHT + GAP / 2);
    TRY_OUT(image_create(&panel, sheet->panel_width, sheet->panel_height));
    TRY_OUT(resample(picture->rgb, 3, picture->width, picture->height, panel.rgb, panel.width, panel.height));
    for (size_t c = 0; c < 3; c++)
        for (size_t j = 0; j < height; j++)
            memcpy(sheet->image.rgb + (c * (size_t)sheet->image.height + y + j) * (size_t)sheet->image.width + x,
                   panel.rgb + (c * height + j) * width, width * sizeof(float));
    draw_label(&sheet->image, left, top, room, label);
out:
    image_destroy(&panel);
    return rc;
}

void contact_sheet_note(struct contact_sheet *sheet, int row, int column, const char *text)
{
    const size_t plane = (size_t)sheet->image.width * (size_t)sheet->image.height;
    const int length = (int)strlen(text) * ADVANCE;
    int left, top, room;
    find_cell(sheet, row, column, &left, &top, &room);
    const int width = length < room ? length : room, x = left + room - width;
    for (size_t c = 0; c < 3; c++)
        for (int y = top; y < top + LABEL_HEIGHT; y++)
            for (int i = 0; i < width; i++)
                sheet->image.rgb[c * plane + (size_t)y * (size_t)sheet->image.width + (size_t)(x + i)] = 1;
    draw_label(&sheet->image, x, top, width, text);
}

void contact_sheet_destroy(struct contact_sheet *sheet)
{
    image_destroy(&sheet->image);
    *sheet = (struct contact_sheet){0};
}
