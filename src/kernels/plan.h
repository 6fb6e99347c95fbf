// SPDX-License-Identifier: MIT
// How each convolution runs, forward and backward, and in which precision.
//
// There is a plan for each of a few tile sizes; a tile goes by the one nearest to its area. What is fastest depends on the machine, on the
// shapes and on the size only as far as borders and caches matter.
#ifndef ONEIROS_KERNELS_PLAN_H
#define ONEIROS_KERNELS_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/convolution.h"
#include "kernels/network.h"

enum { PLAN_CONVS_MAX = 128, PLAN_SIZES = 3 };

// Sides of the square tiles that the plans are made with.
extern const int plan_sides[PLAN_SIZES];

// No pointers: may be sent between ranks as it is.
struct plan {
    bool bf16;
    struct plan_size {
        uint8_t forward[PLAN_CONVS_MAX], backward[PLAN_CONVS_MAX]; // enum conv_method, by the number of the operation's first convolution
    } sizes[PLAN_SIZES];
};

// The choice that needs no measuring: everything direct.
void plan_fixed(struct plan *plan);

// The plan for tiles of this size.
const struct plan_size *plan_for(const struct plan *plan, int width, int height);

#endif
