// SPDX-License-Identifier: MIT
// A PNG of crops, three a row, that says of each in its description which picture and place it is of: so that those of pictures that are
// gone are there for the next sheet.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/system/status.h"

enum { CROP_SIDE = 96, CROP_COLUMNS = 3, CROP_GAP = 2, CROP_BYTES = 3 * CROP_SIDE * CROP_SIDE, CROP_LABEL_MAX = 96 };

struct sheet {
    int places, count;              // room, and how many there are
    int width, height;              // pixels
    uint8_t *rgb;                   // (height, width, 3), white between
    char (*labels)[CROP_LABEL_MAX]; // [places] the picture's digest, and y and x of the place; empty: it is not shown
};

enum status sheet_create(struct sheet *sheet, int places) MUST_CHECK;
void sheet_destroy(struct sheet *sheet); // a zeroed one is fine

// The next place: of CROP_BYTES; NULL: its picture is not to be had, and a grey square with a cross stands for it.
void sheet_add(struct sheet *sheet, const char *label, const uint8_t *crop);

// Complete or absent.
enum status sheet_write(const struct sheet *sheet, const char *path) MUST_CHECK;

// One that was written before. False: there is none, or it is none of ours, and *sheet is zeroed.
bool sheet_read(struct sheet *sheet, const char *path);

// The crop of that name, if the sheet has it.
bool sheet_find(const struct sheet *sheet, const char *label, uint8_t crop[CROP_BYTES]);
