// SPDX-License-Identifier: MIT
// How each convolution runs, forward and backward.
#ifndef ONEIROS_KERNELS_PLAN_H
#define ONEIROS_KERNELS_PLAN_H

#include <stdbool.h>

#include "kernels/network.h"

enum { PLAN_CONVS_MAX = 128 };

// No pointers: may be sent between ranks as it is.
struct plan {
    struct {
        bool winograd; // instead of the direct algorithm
    } forward[PLAN_CONVS_MAX];
    struct {
        bool flipped;  // a forward convolution with the kernel turned by half a turn; otherwise oneDNN's backward-data
        bool winograd; // flipped only
    } backward[PLAN_CONVS_MAX];
};

// The choice that needs no measuring: everything direct, the backward pass of every stride-1 convolution flipped.
void plan_fixed(struct plan *plan, const struct network *network);

#endif
