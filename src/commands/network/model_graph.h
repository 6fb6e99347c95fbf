// SPDX-License-Identifier: MIT
// What `oneiros model graph` prints, and how the operations of the network are called there and in `oneiros bench`.
#pragma once

#include <stdbool.h>

#include "common/config/config.h"
#include "kernels/execution/executor.h"

// The operations that the network runs as for the targets of `config` and a picture of width x height, on standard output: what each reads
// and writes, how long a tensor lives, by which method it is done. Methods are those of config->plan; what an automatic
// plan has not yet been made for is direct. Takes no weights and times nothing. config->precision becomes that of a plan's file.
enum status model_graph_print(struct config *config, int width, int height, bool json) MUST_CHECK;

// The layers that an operation is of: "conv2d_13+14+16+19".
void model_graph_layers(const struct executor_op *op, char text[80]);
