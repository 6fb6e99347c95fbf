// SPDX-License-Identifier: MIT
// Which channels of a layer want the same: cosines of their importance over the pictures of a set.
#pragma once

#include "runfile/run_images.h"

enum { LIKENESS_NEAREST = 5 };

struct neighbour {
    int channel; // -1: there is none
    float cosine;
};

// nearest [channels][LIKENESS_NEAREST], the most alike first, of equal ones the smaller number; malloc'ed. Channels that count for nothing
// in any picture have none. Pictures by digest, then path: the same to the last bit for any run. Holds channels^2 numbers.
enum status likeness_find(struct run_reader *reader, const struct run_images *images, int target, struct neighbour **nearest) MUST_CHECK;
