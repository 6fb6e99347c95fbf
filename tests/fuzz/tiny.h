// SPDX-License-Identifier: MIT
// What the targets and the program that makes their seeds agree on: the smallest network and film that there are.
#pragma once

#include "common/config/config.h"
#include "kernels/network/network.h"

enum { TINY_SIDE = 16 }; // of the film and its frames, in pixels

// Two convolutions, so that the file of its weights has a few kilobytes.
static inline const struct network *tiny_network(void)
{
    static const struct layer layers[] = {
        {.name = "input", .kind = LAYER_INPUT, .channels = 3, .kernel_h = 1, .kernel_w = 1, .stride = 1, .conv = -1},
        {.name = "conv2d_1", .kind = LAYER_CONV, .channels = 2, .kernel_h = 1, .kernel_w = 3, .stride = 1, .input_count = 1, .conv = 0},
        {.name = "conv2d_2",
         .kind = LAYER_CONV,
         .channels = 2,
         .kernel_h = 1,
         .kernel_w = 1,
         .stride = 1,
         .input_count = 1,
         .inputs = {1},
         .conv = 1},
    };
    static const int convs[] = {1, 2};
    static const struct network network = {.layer_count = 3, .layers = layers, .conv_count = 2, .convs = convs};
    return &network;
}

static inline void tiny_film_config(struct config *config)
{
    config_init(config);
    config->video.hold = 0;
    config->video.rate = 4; // the shortest segments
}
