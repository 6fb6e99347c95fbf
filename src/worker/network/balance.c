// SPDX-License-Identifier: MIT
#include "worker/network/balance.h"

#include <math.h>

#include "kernels/network/statistics.h"

static const double AUTOMATIC = 0.4; // the balance that auto is
static const double LEAST = 0.01;    // of the mean: a channel that is hardly ever active is no more than so much of a rarity

static double factor(double usual, double mean, double strength)
{
    return pow(mean / fmax(usual, LEAST * mean), strength);
}

void balance_weights(float *weights, const float *usual, int channels, double strength)
{
    double sum = 0, factors = 0;
    int counted = 0;
    for (int c = 0; c < channels; c++) {
        sum += weights[c] != 0 ? (double)usual[c] : 0;
        counted += weights[c] != 0;
    }
    if (!(sum > 0) || strength == 0)
        return;
    const double mean = sum / counted;
    for (int c = 0; c < channels; c++)
        factors += weights[c] != 0 ? factor(usual[c], mean, strength) : 0;
    for (int c = 0; c < channels; c++)
        if (weights[c] != 0)
            weights[c] = (float)(weights[c] * factor(usual[c], mean, strength) * counted / factors);
}

double balance_strength(const struct config *config)
{
    return config->balance == BALANCE_AUTO ? AUTOMATIC : config->balance;
}

void balance_target(const struct objective *o, int target, const float *statistics)
{
    const bool square = o->config->objective == OBJECTIVE_MEAN_SQUARE;
    if (!config_weighs_channels(o->config))
        return;
    const size_t start = statistics_start(network_inception_v3(), o->rows[target], square ? CHANNEL_MEAN_SQUARE : CHANNEL_MEAN);
    balance_weights(o->weights[target], statistics + start, o->channels[target], balance_strength(o->config));
}

void balance_objective(const struct objective *o, const float *statistics)
{
    for (int t = 0; t < o->count && statistics; t++)
        if (!o->config->targets.items[t].automatic)
            balance_target(o, t, statistics);
}
