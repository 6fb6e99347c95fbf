// SPDX-License-Identifier: MIT
// From the network table to a list of operations for one image size and one set of targets.
//
// Forward to the targets and back to the image. Every tensor is a view into a buffer, every buffer knows the first and the last
// operation that touches it, so that arena.h can lay them out over each other. What makes it small:
//   - only gradients with respect to inputs are needed, so no activation outlives its last reader but the targets';
//   - a ReLU keeps one bit a value, a max pool its arg-max;
//   - the inputs of a concatenation are written, and their gradients read, in place: a range of channels is contiguous;
//   - a target's gradient starts where its activation lies (the caller overwrites one with the other);
//   - several consumers of one tensor add into the same gradient.
#ifndef ONEIROS_KERNELS_GRAPH_H
#define ONEIROS_KERNELS_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/status.h"
#include "kernels/network.h"

enum { GRAPH_TARGETS_MAX = 16, NO_BUFFER = -1 };

enum op_kind {
    OP_CONV,              // in -> out, bias and ReLU fused
    OP_RELU_MASK,         // in -> extra (bits)
    OP_MAX_POOL,          // in -> out, extra (arg-max)
    OP_AVG_POOL,          // in -> out
    OP_COPY,              // in -> out
    OP_TARGETS,           // the caller reads activations and writes gradients
    OP_TAP,               // in: the whole gradient of a target, for the caller to read
    OP_RELU_GRADIENT,     // out, in place, by extra (bits)
    OP_CONV_BACKWARD,     // in (gradient of the output) -> out (gradient of the input)
    OP_MAX_POOL_BACKWARD, // in, extra -> out
    OP_AVG_POOL_BACKWARD, // in -> out
    OP_ADD,               // out += in
    OP_UNBLOCK,           // in -> out (planar)
};

// A tensor: some channels of a buffer.
struct view {
    int buffer;
    size_t offset; // bytes
    int channels, height, width;
};

struct op {
    enum op_kind kind;
    int layer; // row of the network table
    struct view in, out;
    int extra;       // buffer: ReLU bits or arg-max; NO_BUFFER
    int scratch;     // buffer, sized by whoever runs the operation; NO_BUFFER until then
    bool accumulate; // OP_CONV_BACKWARD: add to out
};

struct buffer {
    size_t bytes;
    int first, last; // operations, both inclusive; first > last: never touched
    size_t offset;   // in the arena
};

struct graph_target {
    int layer;
    struct view view; // activation before, gradient after OP_TARGETS
    int behind;       // operation: the first of the layers behind it
    int tap;          // operation: its OP_TAP
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
    const bool *adds;   // [conv_count]: whether the backward pass of this convolution can add to its output
};

enum status graph_create(struct graph **graph, const struct graph_options *options) MUST_CHECK;
void graph_destroy(struct graph **graph);

// A further buffer that lives during one operation only.
enum status graph_add_scratch(struct graph *graph, int op, size_t bytes) MUST_CHECK;

#endif
