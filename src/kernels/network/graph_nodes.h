// SPDX-License-Identifier: MIT
// What the graph's builder knows of each row of the network's table: which rows there are, how large they are, which lie inside a
// concatenation, and which convolutions are one operation. Found before there are tensors.
#pragma once

#include "kernels/network/graph.h"

struct node {
    // Found here.
    bool needed; // a target depends on it
    int target;  // number of the target, or -1
    int height, width;
    int enclosing;           // the needed concatenation that it is a part of, or itself
    size_t enclosing_offset; // bytes from its start
    int leader;              // convolutions of 1 x 1 with the same source are one operation, that of the first; -1 for all other kinds
    int source;              // what the operation reads
    bool swapped;            // an average pool: done after the convolution that reads it; a convolution: read by such a pool
    int writers;             // operations that have yet to write to its gradient
    // The builder's own, as it goes.
    bool has_gradient; // something has been written to its gradient
    bool gated;        // its gradient has been through its ReLU
    struct view activation, gradient;
    struct view before, before_gradient; // what a swapped convolution and its pool share
    int mask;                            // buffer of ReLU bits, or of a max pool's arg-max
};

// `nodes` [layer_count] are all zero before.
enum status graph_nodes_find(struct node *nodes, const struct graph_options *options) MUST_CHECK;

// Of the activation and gradient of a row.
bool graph_nodes_bf16(const struct graph_options *options, int row);
size_t graph_tensor_bytes(int channels, int height, int width, bool bf16);
