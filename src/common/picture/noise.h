// SPDX-License-Identifier: MIT
// Pictures of noise, to dream on without a photograph: "noise:WIDTHxHEIGHT" or, as there may be several, "noise:WIDTHxHEIGHT:NUMBER".
//
// The amplitude of its waves falls as 1/f, as that of photographs does (Field 1987), from one wave over the shorter side to one of four
// pixels; finer ones are softened as by a lens. Mean grey, contrast as of a soft photograph; most of it is luminance, some blue against
// yellow, less red against green (Ruderman, Cronin, Chiao 1998). It is made of integers alone: the same on every machine.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/system/status.h"

struct noise {
    int width, height; // pixels
    uint32_t number;   // 0 where the text has none
};

// Whether a text is meant to name noise, in the right form or not.
bool noise_is_named(const char *text);

// STATUS_USAGE says what the right form is.
enum status noise_parse(const char *text, struct noise *noise) MUST_CHECK;

// (height, width, 3) bytes, by seed and number.
enum status noise_make(const struct noise *noise, uint64_t seed, uint8_t *rgb) MUST_CHECK;
