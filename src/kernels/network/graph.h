// SPDX-License-Identifier: MIT
// From the network table to a list of operations for one image size and one set of targets.
//
// Forward to the targets and back to the image. Every tensor is a view into a buffer, every buffer knows the first and the last
// operation that touches it, so that arena.h can lay them out over each other. What makes it small and fast:
//   - only gradients with respect to inputs are needed, so no activation outlives its last reader but the targets';
//   - a ReLU keeps one bit a value, a max pool its arg-max;
//   - the inputs of a concatenation are written, and their gradients read, in place: a range of channels is contiguous;
//   - a target's gradient starts where its activation lies (the caller overwrites one with the other);
//   - several consumers of one tensor add into the same gradient, and the last of them applies the gates of the ReLUs before it;
//   - 1 x 1 convolutions with the same source are one operation, forward and backward; an average pool before one of them changes places
//     with it (both are linear; the bias comes after both).
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/system/status.h"
#include "kernels/network/network.h"

enum { GRAPH_TARGETS_MAX = 16, GRAPH_RESULTS_MAX = 8, NO_BUFFER = -1 };

enum op_kind {
    OP_CONV,              // inputs -> results
    OP_CONV_BACKWARD,     // gradients of the outputs -> gradient of the input
    OP_MAX_POOL,          // and `index`
    OP_MAX_POOL_BACKWARD, //
    OP_AVG_POOL,          //
    OP_AVG_POOL_BACKWARD, //
    OP_PASS,              // input -> result, with all that a result asks for
    OP_TARGETS,           // the caller reads activations and writes gradients
    OP_TAP,               // input: the whole gradient of a target, for the caller to read
};

// A tensor: some channels of a buffer.
struct view {
    int buffer;
    size_t offset; // bytes
    int channels, height, width;
    bool bf16;   // float32 otherwise
    bool planar; // (channels, height, width); in blocks of channels otherwise
};

// Pixels of each channel; the blocks of channels that it consists of, the last one filled up, or the planes; bytes of one of these.
size_t view_pixels(const struct view *view);
int view_blocks(const struct view *view);
size_t view_block_bytes(const struct view *view);

// Where an operation writes, and what is done to each value on its way.
struct op_result {
    struct view view;
    int layer;       // row whose activation or gradient it is
    bool relu;       // bias and ReLU of `layer` are applied
    int mask;        // buffer that notes which values the ReLU let through; NO_BUFFER
    bool accumulate; // added to what is there
    int gate;        // buffer of the bits through which the gradient of `layer` goes back; NO_BUFFER
};

struct op {
    enum op_kind kind;
    int layer; // row of the network table; of several convolutions the first
    int part_count;
    int parts[CONV_PARTS_MAX]; // rows of the convolutions that are one here
    int input_count;
    struct view inputs[CONV_PARTS_MAX];
    int result_count;
    struct op_result results[GRAPH_RESULTS_MAX];
    int index;   // max pools: buffer of the arg-max, a byte a value; NO_BUFFER
    int scratch; // buffer, sized by whoever runs the operation; NO_BUFFER until then
};

static inline bool op_is_convolution(const struct op *op)
{
    return op->kind == OP_CONV || op->kind == OP_CONV_BACKWARD;
}

struct buffer {
    size_t bytes;
    int first, last; // operations, both inclusive; first > last: never touched
    size_t offset;   // in the arena
};

struct graph_target {
    int layer;
    struct view view;       // float32: activation before, gradient after OP_TARGETS
    struct view activation; // what the layers behind it read; the same where that is float32 and its own
    int behind;             // operation: the first of the layers behind it
    int tap;                // operation: its OP_TAP
};

struct graph {
    int width, height;
    int op_count, targets_op; // ops[targets_op] is OP_TARGETS
    struct op *ops;
    int buffer_count;
    struct buffer *buffers;
    struct view image;    // (3, height, width) planar
    struct view gradient; // the same, the result
    int target_count;
    struct graph_target targets[GRAPH_TARGETS_MAX];
};

// How a graph may be built.
struct graph_options {
    const struct network *network;
    int width, height;
    int target_count;
    const int *targets; // [target_count] rows, all different, not the input
    bool bf16;          // activations and gradients but the targets', the first convolution's and the image's are bfloat16
};

enum status graph_create(struct graph **graph, const struct graph_options *options) MUST_CHECK;
void graph_destroy(struct graph **graph);

// A further buffer that lives during one operation only; once for each.
void graph_add_scratch(struct graph *graph, int op, size_t bytes);
