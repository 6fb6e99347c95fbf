// SPDX-License-Identifier: MIT
// One convolution of the graph, forward or backward, at one size, and the methods of computing it.
//
// Backward means the gradient of the source from the gradient of the destination; weights get none. Convolutions that read the same source
// may be one: their outputs, side by side, are its parts.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/system/status.h"
#include "kernels/convolution/weight_cache.h"
#include "kernels/network/graph.h"
#include "kernels/onednn/onednn.h"
#include "kernels/simd/simd.h"

// In the order of preference where several are as fast. Plans and messages know them by conv_method_name().
enum conv_method {
    CONV_DIRECT,          // our matrix product
    CONV_WINOGRAD_6,      // our Winograd transform of 6, 8 or 10 inputs a tile: the larger, the fewer products, and the more rounding
    CONV_WINOGRAD_8,      //
    CONV_WINOGRAD_10,     //
    CONV_WINOGRAD_PHASES, // ours, of a kernel of 3 x 3 with a stride of 2, in four parts
    CONV_ONEDNN,          // all products and sums by oneDNN
    CONV_METHODS
};

// "direct", "winograd6", ..., "winograd-phases", "onednn". And back; false for another word.
const char *conv_method_name(enum conv_method method);
bool conv_method_find(const char *name, enum conv_method *method);

struct conv_spec {
    struct onednn_shape shape; // of the forward operation; dst_channels: of all parts together
    bool backward;
    int part_count;
    int parts[CONV_PARTS_MAX];         // numbers of the convolutions, in creation order
    int part_channels[CONV_PARTS_MAX]; // outputs of each
    bool linear[CONV_PARTS_MAX];       // forward: without bias and ReLU, which come later
    bool accumulate;                   // backward: the result is added to what is there
    bool image;                        // the source is the planar image
    bool src_bf16, dst_bf16;           // bfloat16 tensors: activations and gradients alike
};

// Of an operation of a graph for which op_is_convolution() holds.
struct conv_spec conv_spec_of(const struct network *network, const struct op *op);

// Two a multiply-add, as if it were done directly.
double conv_flop(const struct conv_spec *spec);

// What is read and what is written, in the direction in which it runs; in no buffer.
struct view conv_source(const struct conv_spec *spec);
struct view conv_result(const struct conv_spec *spec);

struct convolution;

// STATUS_UNSUPPORTED where the method cannot compute this. `cache` outlives it; NULL: only to see whether it can be, not to be bound.
enum status convolution_create(struct convolution **convolution, const struct conv_spec *spec, enum conv_method method,
                               struct weight_cache *cache) MUST_CHECK;
void convolution_destroy(struct convolution **convolution);

size_t convolution_scratch_bytes(const struct convolution *convolution); // needed while it runs, 64-byte aligned
enum conv_method convolution_method(const struct convolution *convolution);
// Whether it is oneDNN's, and that has plain loops only, dozens of times slower.
bool convolution_is_reference(const struct convolution *convolution);

// `in`: the blocks of the source (the image: its three planes), backward of the destination. `out`: the blocks of the result; backward
// read at each run, so that its gates may change. The blocks of each part, and backward of the whole result, follow each other in memory.
// All of it stays where it is until bound again.
enum status convolution_bind(struct convolution *convolution, const void *const *in, struct simd_out *out, void *scratch) MUST_CHECK;
enum status convolution_run(struct convolution *convolution) MUST_CHECK;
