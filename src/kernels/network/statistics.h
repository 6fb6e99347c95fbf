// SPDX-License-Identifier: MIT
// What the network's channels answer to ordinary pictures, of which they may then be said to answer more or less than usually, as one flat
// array of floats: of each layer but the picture, in the order of the table, CHANNEL_STATISTICS rows of its channels. With A the
// activation of a channel:
#pragma once

#include <stddef.h>

#include "kernels/network/network.h"

enum channel_statistic {
    CHANNEL_MEAN,              // mean of A over all positions of all pictures
    CHANNEL_MEAN_SQUARE,       // mean of A^2, likewise
    CHANNEL_PICTURE_MEAN,      // mean over pictures of a picture's mean of A
    CHANNEL_PICTURE_DEVIATION, // standard deviation over pictures of a picture's mean of A
    CHANNEL_STATISTICS
};

// Floats in the array.
size_t statistics_count(const struct network *network);

// Where the [channels] of one statistic of a layer begin in it; `row` > 0.
size_t statistics_start(const struct network *network, int row, enum channel_statistic statistic);

// Whether a layer's channels are those of its inputs, one by one, and so are their statistics.
static inline bool statistics_follow(const struct network *network, int row)
{
    return network->layers[row].kind == LAYER_CONCAT;
}

// Fills in those that follow, from the others.
void statistics_complete(const struct network *network, float *statistics);
