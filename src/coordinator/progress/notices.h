// SPDX-License-Identifier: MIT
// What a person should know of single pictures of a run: the first of each kind is said by name, at once, and how many more there were at
// the end, so that a set of a million pictures says no more than a few lines. With -v each is said.
#pragma once

#include <stdint.h>

#include "common/picture/image.h"

// Zeroed: nothing has been said.
struct notices {
    int64_t counts[NOTICE_KINDS]; // pictures
};

// Says what the image notes, or counts it, and takes it off the image.
void notices_say(struct notices *notices, const char *source, struct image *image);

// How many more there were.
void notices_end(const struct notices *notices);
