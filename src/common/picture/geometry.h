// SPDX-License-Identifier: MIT
// Sizes and places, as pure functions.
#pragma once

#include <stdbool.h>

enum { GEOMETRY_MIN_SIDE = 75 }; // pixels: the shortest side of which every layer of the network makes something

enum { GEOMETRY_OCTAVES_MAX = 64, GEOMETRY_OCTAVES_AUTO = 0 };

// Which octaves an image has.
struct octave_rule {
    int count; // the most; GEOMETRY_OCTAVES_AUTO: as many as keep the shorter side of the smallest at or above `smallest` pixels
    int smallest;
    double scale; // > 1, from one octave to the next
    bool detail;  // an octave starts from the original and what has been dreamed so far, not from the enlarged dream alone
};

struct octave {
    int width, height; // pixels
};

// The octaves of an image, smallest first: octave k of n has size round(side * scale^(k - n + 1)), so the last is the image itself. Octaves
// with a side below GEOMETRY_MIN_SIDE are left out (the image itself never is). Returns how many there are, at most rule->count, which is
// at most GEOMETRY_OCTAVES_MAX.
int geometry_octaves(int width, int height, const struct octave_rule *rule, struct octave octaves[GEOMETRY_OCTAVES_MAX]);

// The size of the video of an image: the longest side at most `max_side` >= 2, never enlarged, the aspect kept; even (H.264 halves the
// resolution of colour), rounded down, at least 2.
void geometry_video(int width, int height, int max_side, int *video_width, int *video_height);

// Pixels of all octaves together: what one step of each costs, in units that add up over images.
double geometry_pixels(const struct octave *octaves, int count);
