// SPDX-License-Identifier: MIT
#include "report/atlas/sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/file.h"
#include "media/picture/codec.h"

enum { PLACES_MAX = 100, GREY = 128, LIGHT = 176, CELL = CROP_SIDE + CROP_GAP };

static int rows_of(int places)
{
    return (places + CROP_COLUMNS - 1) / CROP_COLUMNS;
}

enum status sheet_create(struct sheet *sheet, int places)
{
    enum status rc;
    *sheet = (struct sheet){.places = places, .width = CROP_COLUMNS * CELL - CROP_GAP, .height = rows_of(places) * CELL - CROP_GAP};
    const size_t bytes = 3 * (size_t)sheet->width * (size_t)sheet->height;
    TRY_OUT(ALLOCATE(sheet->rgb, bytes, "for a sheet of exemplars"));
    TRY_OUT(ALLOCATE(sheet->labels, (size_t)places, "for a sheet of exemplars"));
    memset(sheet->rgb, 255, bytes);
out:
    if (rc != STATUS_OK)
        sheet_destroy(sheet);
    return rc;
}

void sheet_destroy(struct sheet *sheet)
{
    free(sheet->rgb);
    free(sheet->labels);
    *sheet = (struct sheet){0};
}

// A row of a place.
static uint8_t *row_of(const struct sheet *sheet, int place, int row)
{
    const int left = place % CROP_COLUMNS * CELL, top = place / CROP_COLUMNS * CELL;
    return sheet->rgb + 3 * ((size_t)(top + row) * (size_t)sheet->width + (size_t)left);
}

static void draw_nothing(uint8_t *row, int y)
{
    memset(row, GREY, 3 * (size_t)CROP_SIDE);
    for (int x = 0; x < CROP_SIDE; x++)
        if (abs(x - y) < 2 || abs(CROP_SIDE - 1 - x - y) < 2)
            memset(row + 3 * x, LIGHT, 3);
}

void sheet_add(struct sheet *sheet, const char *label, const uint8_t *crop)
{
    const int place = sheet->count++;
    if (crop)
        snprintf(sheet->labels[place], sizeof sheet->labels[place], "%s", label);
    for (int y = 0; y < CROP_SIDE; y++)
        if (crop)
            memcpy(row_of(sheet, place, y), crop + 3 * (size_t)CROP_SIDE * (size_t)y, 3 * (size_t)CROP_SIDE);
        else
            draw_nothing(row_of(sheet, place, y), y);
}

enum status sheet_write(const struct sheet *sheet, const char *path)
{
    struct image image = {0};
    const size_t size = (size_t)sheet->places * (CROP_LABEL_MAX + 1) + 1;
    enum status rc;
    TRY_OUT(image_create(&image, sheet->width, sheet->height));
    TRY_OUT(ALLOCATE(image.tags.description, size, "for a sheet of exemplars"));
    codec_from_bytes(sheet->rgb, (size_t)sheet->width * (size_t)sheet->height, image.rgb);
    for (int i = 0, at = 0; i < sheet->count; i++)
        at += snprintf(image.tags.description + at, size - (size_t)at, "%s%s", i ? "\n" : "", sheet->labels[i]);
    rc = codec_encode(path, IMAGE_FORMAT_PNG, &image);
out:
    image_destroy(&image);
    return rc;
}

// Of a picture of that shape the places that it names.
static enum status take(struct sheet *sheet, const struct image *image)
{
    const int places = (image->height + CROP_GAP) / CELL * CROP_COLUMNS;
    const char *line = image->tags.description;
    if (!line || places < 1 || places > PLACES_MAX + CROP_COLUMNS || image->width != CROP_COLUMNS * CELL - CROP_GAP ||
        image->height != rows_of(places) * CELL - CROP_GAP)
        return fail(STATUS_FORMAT, "no sheet of exemplars");
    TRY(sheet_create(sheet, places));
    codec_to_bytes(image->rgb, (size_t)sheet->width * (size_t)sheet->height, sheet->rgb);
    for (const char *end; line && sheet->count < places; line = *end ? end + 1 : NULL) {
        end = line + strcspn(line, "\n");
        snprintf(sheet->labels[sheet->count++], CROP_LABEL_MAX, "%.*s", (int)(end - line), line);
    }
    return STATUS_OK;
}

bool sheet_read(struct sheet *sheet, const char *path)
{
    const struct image_limits limits = {.side = PLACES_MAX * CELL, .pixels = PLACES_MAX * CELL * CELL};
    struct image image = {0};
    void *bytes = NULL;
    size_t size;
    enum status rc;
    *sheet = (struct sheet){0};
    TRY_OUT(file_read(path, 1 << 24, &bytes, &size));
    TRY_OUT(codec_decode(bytes, size, &limits, &image));
    rc = take(sheet, &image);
out:
    image_destroy(&image);
    free(bytes);
    return rc == STATUS_OK;
}

bool sheet_find(const struct sheet *sheet, const char *label, uint8_t crop[CROP_BYTES])
{
    for (int i = 0; i < sheet->count; i++)
        if (strcmp(sheet->labels[i], label) == 0) {
            for (int y = 0; y < CROP_SIDE; y++)
                memcpy(crop + 3 * (size_t)CROP_SIDE * (size_t)y, row_of(sheet, i, y), 3 * (size_t)CROP_SIDE);
            return true;
        }
    return false;
}
