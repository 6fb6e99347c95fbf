// SPDX-License-Identifier: MIT
// A contact sheet: small pictures of one size in a regular grid, each under its label.
#pragma once

#include "common/picture/image.h"

enum { SHEET_COLUMNS = 5 };

struct contact_sheet {
    struct image image;
    int rows, panel_width, panel_height; // pixels of a panel
};

// An empty sheet, white, for pictures with the sides' proportions of width x height. On failure there is nothing to destroy.
enum status contact_sheet_create(struct contact_sheet *sheet, int rows, int width, int height) MUST_CHECK;

// Puts a picture in its cell, in whatever size. Row and column are there.
enum status contact_sheet_put(struct contact_sheet *sheet, int row, int column, const struct image *picture, const char *label) MUST_CHECK;

// Writes at the right end of a cell's label, over what is there.
void contact_sheet_note(struct contact_sheet *sheet, int row, int column, const char *text);

void contact_sheet_destroy(struct contact_sheet *sheet);
