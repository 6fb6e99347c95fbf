// SPDX-License-Identifier: MIT
#include "kernels/network/statistics.h"

#include <string.h>

size_t statistics_start(const struct network *network, int row, enum channel_statistic statistic)
{
    size_t start = 0;
    for (int i = 1; i < row; i++)
        start += CHANNEL_STATISTICS * (size_t)network->layers[i].channels;
    return row < network->layer_count ? start + statistic * (size_t)network->layers[row].channels : start;
}

size_t statistics_count(const struct network *network)
{
    return statistics_start(network, network->layer_count, CHANNEL_MEAN);
}

void statistics_complete(const struct network *network, float *statistics)
{
    for (int row = 1; row < network->layer_count; row++) { // inputs come before
        const struct layer *layer = &network->layers[row];
        for (enum channel_statistic s = 0; statistics_follow(network, row) && s < CHANNEL_STATISTICS; s++) {
            float *to = statistics + statistics_start(network, row, s);
            for (int i = 0; i < layer->input_count; i++) {
                const int input = layer->inputs[i];
                const size_t channels = (size_t)network->layers[input].channels;
                memcpy(to, statistics + statistics_start(network, input, s), channels * sizeof *to);
                to += channels;
            }
        }
    }
}
