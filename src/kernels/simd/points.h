// SPDX-License-Identifier: MIT
// The interpolation points of Winograd's algorithm: 0, infinity, and these with both signs. Multiples of 1/8, whose powers are exact in
// float32, near the ones with the smallest error among all ratios of small numbers (measured against double precision on random data:
// relative root mean square errors of 6e-7 for n = 6, 2e-6 for n = 8, both in two dimensions, and 1.3e-6 for n = 10 in one; the usual
// +-1, +-2, +-1/2, +-4 give 1e-6 to 2e-6, 2e-6 and 4e-6).
#pragma once

enum { WINOGRAD_N_MAX = 10, WINOGRAD_PAIRS_MAX = WINOGRAD_N_MAX / 2 - 1 };

// Of n = 6, 8, 10 inputs n / 2 - 1 pairs, of which the positive ones are here.
static const float winograd_points[][WINOGRAD_PAIRS_MAX] = {{0.625f, 1.5f}, {0.5f, 1.0f, 2.0f}, {0.375f, 0.75f, 1.375f, 2.5f}};

// Every transform that there is: n inputs to tile_h x tile_w outputs, a tile of 1 meaning that there is nothing to do in that direction.
#define WINOGRAD_TRANSFORMS(use)                                                                                                           \
    use(6, 4, 4) use(6, 2, 2) use(6, 5, 5) use(8, 6, 6) use(8, 4, 4) use(6, 4, 1) use(6, 1, 4) use(6, 5, 1) use(6, 1, 5) use(8, 2, 1)      \
        use(8, 1, 2) use(10, 4, 1) use(10, 1, 4)
