// SPDX-License-Identifier: MIT
// What convolution an operation of the graph is.
#pragma once

#include "kernels/convolution/convolution.h"
#include "kernels/network/graph.h"

static inline bool op_is_convolution(const struct op *op)
{
    return op->kind == OP_CONV || op->kind == OP_CONV_BACKWARD;
}

// For operations that are convolutions.
struct conv_spec op_conv_spec(const struct network *network, const struct op *op);

// Two a multiply-add, as if it were done directly.
double op_flop(const struct conv_spec *spec);
