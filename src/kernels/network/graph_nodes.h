// SPDX-License-Identifier: MIT
// What the graph's builder knows of each row of the network's table, and the first passes that find it out, before there are tensors. Each
// pass takes what the ones before it have left; graph.c calls them in this order and goes on with its own.
#pragma once

#include "kernels/network/graph.h"

struct node {
    // graph_nodes_mark()
    bool needed; // a target depends on it
    int target;  // number of the target, or -1
    // graph_nodes_measure()
    int height, width;
    // graph_nodes_enclose()
    int enclosing;           // the needed concatenation that it is a part of, or itself
    size_t enclosing_offset; // bytes from its start
    // graph_nodes_join()
    int leader;   // convolutions of 1 x 1 with the same source are one operation, that of the first; -1 for all other kinds
    int source;   // what the operation reads
    bool swapped; // an average pool: done after the convolution that reads it; a convolution: read by such a pool
    int writers;  // operations that have yet to write to its gradient; counted down by add_backward()
    // add_tensors()
    struct view activation, gradient;
    struct view before, before_gradient; // what a swapped convolution and its pool share
    bool has_gradient;                   // something has been written to its gradient: by the caller, or lately by add_backward()
    // add_forward()
    int mask; // buffer of ReLU bits, or of a max pool's arg-max
    // add_backward()
    bool gated; // its gradient has been through its ReLU
};

// From all zeros to: which rows there are, and which of them are targets.
void graph_nodes_mark(struct node *nodes, const struct graph_options *options);

// Needs to know which rows there are. Leaves the size of each. STATUS_LIMIT where one has no output.
enum status graph_nodes_measure(struct node *nodes, const struct graph_options *options) MUST_CHECK;

// Needs the rows and their sizes. Leaves where each lies: every tensor that is a part of a needed concatenation lies inside it.
void graph_nodes_enclose(struct node *nodes, const struct graph_options *options);

// Needs the rows and the targets. Leaves what the operations are: which convolutions are done together, which pools come after theirs,
// what each reads, and how many will write to each gradient.
void graph_nodes_join(struct node *nodes, const struct network *network);

// Of the activation and gradient of a row.
bool graph_nodes_bf16(const struct graph_options *options, int row);
size_t graph_tensor_bytes(int channels, int height, int width, bool bf16);
