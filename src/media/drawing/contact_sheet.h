// SPDX-License-Identifier: MIT
// A contact sheet: small pictures of one size in a regular grid, each under its label.
#pragma once

#include "common/picture/image.h"

enum { SHEET_COLUMNS = 4 };

struct explain_sheet {
    struct image image;
    int rows, panel_width, panel_height; // pixels of a panel
};

// An empty sheet, white, for pictures with the sides' proportions of width x height. On failure *sheet is zeroed.
enum status explain_sheet_create(struct explain_sheet *sheet, int rows, int width, int height) MUST_CHECK;

// Puts a picture in its cell, in whatever size. Row and column are there.
enum status explain_sheet_put(struct explain_sheet *sheet, int row, int column, const struct image *picture, const char *label) MUST_CHECK;

void explain_sheet_destroy(struct explain_sheet *sheet);
