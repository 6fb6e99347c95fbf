// SPDX-License-Identifier: MIT
// Sizes and places, as pure functions.
#pragma once

enum { GEOMETRY_MIN_SIDE = 75 }; // pixels: the shortest side of which every layer of the network makes something

enum { GEOMETRY_OCTAVES_MAX = 64 };

struct octave {
    int width, height; // pixels
};

// The octaves of an image, smallest first: octave k of n has size round(side * scale^(k - n + 1)), so the last is the image itself. Octaves
// with a side below GEOMETRY_MIN_SIDE are left out (the image itself never is). Returns how many there are, at most `count`, which is at
// most GEOMETRY_OCTAVES_MAX.
int geometry_octaves(int width, int height, int count, double scale, struct octave octaves[GEOMETRY_OCTAVES_MAX]);

// The size of the video of an image: the longest side at most `max_side` >= 2, never enlarged, the aspect kept; even (H.264 halves the
// resolution of colour), rounded down, at least 2.
void geometry_video(int width, int height, int max_side, int *video_width, int *video_height);

// Pixels of all octaves together: what one step of each costs, in units that add up over images.
double geometry_pixels(const struct octave *octaves, int count);
