// SPDX-License-Identifier: MIT
// The pictures of a set in a plane: those in which the same channels count lie near each other.
#pragma once

#include "runfile/run_images.h"

enum { LAYOUT_MOST = 500 }; // pictures; of more, so many spread evenly over the order of their digests

struct layout_place {
    int64_t id;
    float x, y;
};

struct layout {
    size_t count, all; // placed; of the set
    struct layout_place *places;
    double shares[2]; // of all variance that x and y show
};

// The first two principal components of the importance of all targets' channels, each target's scaled to a length of 1. Fewer than 3
// pictures with importance: count is 0. Holds LAYOUT_MOST times the channels and LAYOUT_MOST^2 numbers. Destroy it also after a failure.
enum status layout_find(struct run_reader *reader, const struct run_images *images, struct layout *layout) MUST_CHECK;
void layout_destroy(struct layout *layout); // a zeroed one is fine
