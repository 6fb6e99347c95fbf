// SPDX-License-Identifier: MIT
// How each convolution runs, forward and backward, and in which precision.
//
// What is fastest depends on the machine and on the shapes, and on the size of a tile only as far as borders and caches matter. So a plan
// is made for a few sizes, and a tile goes by the one nearest to its area.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/system/processor.h"
#include "common/system/status.h"
#include "kernels/convolution/convolution.h"
#include "kernels/network/network.h"

// PLAN_VERSION rises with each change of what methods there are, or of what one computes.
enum { PLAN_VERSION = 2, PLAN_CONVS_MAX = 128, PLAN_SIZES = 3, PLAN_TEXT_MAX = 1 << 20 };

// Sides of the square tiles that plans are made with.
extern const int plan_sides[PLAN_SIZES];

// No pointers: may be sent between ranks as it is. All zeros is the fixed plan in float32: everything direct.
struct plan {
    bool bf16;
    struct plan_entry {
        bool known;
        uint8_t method; // enum conv_method
        uint8_t part_count, parts[CONV_PARTS_MAX];
        float seconds;                        // that it took when the plan was made; 0: unknown
    } entries[PLAN_SIZES][2][PLAN_CONVS_MAX]; // by size, forward and backward, number of the operation's first convolution
};

// Where a plan holds good, so far as a plan made elsewhere may not be the fastest here.
struct plan_origin {
    char cpu[PROCESSOR_NAME_MAX], simd[32], onednn[32];
    int threads; // that it was timed with
};
void plan_origin_here(struct plan_origin *origin, int threads);

// The number of the size that tiles of so many pixels go by.
int plan_size(int width, int height);
// The entry of this operation: NULL where the plan does not know it.
const struct plan_entry *plan_find(const struct plan *plan, const struct conv_spec *spec, int size);
void plan_set(struct plan *plan, const struct conv_spec *spec, int size, enum conv_method method, double seconds);
// How it is to be done: direct where the plan does not know it.
enum conv_method plan_method(const struct plan *plan, const struct conv_spec *spec, int width, int height);

// A plan as text, one operation a line, and back. What is read replaces the plan; `name` is the file's, for errors. Everything that is
// wrong in it is refused with the line. Lines that begin with # are comments.
//
//     oneiros plan 2
//     cpu: ...
//     simd: avx2
//     onednn: 2.6.3
//     precision: f32
//     threads: 2
//     512 forward conv2d_13+conv2d_14+conv2d_16+conv2d_19 direct 0.8751 ms
enum status plan_to_text(const struct plan *plan, const struct network *network, const struct plan_origin *origin, char **text) MUST_CHECK;
enum status plan_from_text(struct plan *plan, const struct network *network, struct plan_origin *origin, const char *text,
                           const char *name) MUST_CHECK;
