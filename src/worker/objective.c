// SPDX-License-Identifier: MIT
#include "worker/objective.h"

enum { BLOCK_MAX = 16 };

// 1 for each chosen channel of this block, 0 for the others. Returns how many are chosen.
static int choose(const struct config_target *target, int first, int block, float chosen[BLOCK_MAX])
{
    int count = 0;
    for (int c = 0; c < block; c++) {
        chosen[c] = target->channel_count == 0;
        for (int k = 0; k < target->channel_count; k++)
            if (target->channels[k] == first + c)
                chosen[c] = 1;
        count += chosen[c] != 0;
    }
    return count;
}

static double values_seen(const struct config_target *target, const struct tensor *a)
{
    float chosen[BLOCK_MAX];
    int channels = 0;
    for (int first = 0; first < a->channels; first += a->block)
        channels += choose(target, first, a->block, chosen);
    return (double)channels * a->height * a->width;
}

// Sum over the positions of one block of channels, each channel in its own lane.
static double sum_block(const float *data, size_t positions, int block, const float *chosen, enum config_objective objective)
{
    double lanes[BLOCK_MAX] = {0};
    if (objective == OBJECTIVE_MEAN_SQUARE)
        for (size_t i = 0; i < positions; i++, data += block)
            for (int c = 0; c < block; c++)
                lanes[c] += (double)data[c] * (double)data[c];
    else
        for (size_t i = 0; i < positions; i++, data += block)
            for (int c = 0; c < block; c++)
                lanes[c] += (double)data[c];
    double sum = 0;
    for (int c = 0; c < block; c++)
        if (chosen[c] != 0)
            sum += lanes[c];
    return sum;
}

double objective_loss(const struct config *config, struct executor *executor, double target_loss[CONFIG_TARGETS_MAX])
{
    enum { BLOCKS_MAX = 2048 / 8 };
    double total = 0;
    for (int t = 0; t < config->targets.count; t++) {
        const struct config_target *target = &config->targets.items[t];
        const struct tensor a = executor_target(executor, t);
        const size_t positions = (size_t)a.height * (size_t)a.width;
        const int blocks = a.channels / a.block;
        double sums[BLOCKS_MAX];
#pragma omp parallel for schedule(static)
        for (int b = 0; b < blocks; b++) {
            float chosen[BLOCK_MAX];
            choose(target, b * a.block, a.block, chosen);
            sums[b] = sum_block(a.data + (size_t)b * positions * (size_t)a.block, positions, a.block, chosen, config->objective);
        }
        double sum = 0;
        for (int b = 0; b < blocks; b++)
            sum += sums[b];
        target_loss[t] = sum / values_seen(target, &a);
        total += target->weight * target_loss[t];
    }
    return total;
}

void objective_gradient(const struct config *config, struct executor *executor)
{
    for (int t = 0; t < config->targets.count; t++) {
        const struct config_target *target = &config->targets.items[t];
        const struct tensor a = executor_target(executor, t);
        const size_t positions = (size_t)a.height * (size_t)a.width;
        const double scale = target->weight / values_seen(target, &a);
        // d mean(A^2) = 2 A / n, d mean(A) = 1 / n: slope * A + constant
        const float slope = config->objective == OBJECTIVE_MEAN_SQUARE ? (float)(2 * scale) : 0.0f;
        const float constant = config->objective == OBJECTIVE_MEAN ? (float)scale : 0.0f;
#pragma omp parallel for schedule(static)
        for (int b = 0; b < a.channels / a.block; b++) {
            float chosen[BLOCK_MAX];
            float *data = a.data + (size_t)b * positions * (size_t)a.block;
            choose(target, b * a.block, a.block, chosen);
            for (size_t i = 0; i < positions; i++, data += a.block)
                for (int c = 0; c < a.block; c++)
                    data[c] = chosen[c] * (slope * data[c] + constant);
        }
    }
}
