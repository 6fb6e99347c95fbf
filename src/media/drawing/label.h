// SPDX-License-Identifier: MIT
// Short texts on a picture, in letters of our own: a font file may not be there on every machine.
#pragma once

#include "common/picture/image.h"

enum { LABEL_HEIGHT = 18 }; // pixels

// Draws the text in dark grey with its upper left corner at (x, y). What does not fit in `width` pixels is left out. Letters, digits,
// '+', '-' and '_'; anything else is a blank. The picture holds (x, y) to (x + width, y + LABEL_HEIGHT).
void label_draw(struct image *image, int x, int y, int width, const char *text);
