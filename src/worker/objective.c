// SPDX-License-Identifier: MIT
#include "worker/objective.h"

#include <assert.h>

enum { BLOCK_MAX = 16 };

enum status objective_init(struct objective *objective, const struct config *config)
{
    const struct network *network = network_inception_v3();
    *objective = (struct objective){.config = config, .count = config->targets.count};
    for (int t = 0; t < objective->count; t++) {
        const int row = objective->rows[t] = network_find(network, config->targets.items[t].layer);
        if (row <= 0)
            return fail(STATUS_USAGE, "targets: the network has no layer '%s'", config->targets.items[t].layer);
        objective->fields[t] = network_receptive_field(network, row);
    }
    return STATUS_OK;
}

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

void objective_values(const struct objective *objective, int width, int height, double values[CONFIG_TARGETS_MAX])
{
    const struct network *network = network_inception_v3();
    for (int t = 0; t < objective->count; t++) {
        int w, h;
        network_output_size(network, objective->rows[t], width, height, &w, &h);
        const int chosen = objective->config->targets.items[t].channel_count; // all different
        values[t] = (double)w * h * (chosen ? chosen : network->layers[objective->rows[t]].channels);
    }
}

// First of the positions whose receptive fields' middles lie at pixel `from` or behind.
static int first_position(const struct receptive_field *field, int from)
{
    return from <= field->centre ? 0 : (from - field->centre + field->stride - 1) / field->stride;
}

// The positions of a target that belong to a tile, in its window's grid.
static struct rectangle positions_of(const struct receptive_field *field, const struct tile *tile, int width, int height,
                                     const struct tensor *a)
{
    const struct rectangle *core = &tile->core;
    const int left = tile->window.x / field->stride, top = tile->window.y / field->stride;
    const int x = first_position(field, core->x) - left, y = first_position(field, core->y) - top;
    // behind the last core there is nothing to belong to another one
    const int right = core->x + core->width == width ? a->width : first_position(field, core->x + core->width) - left;
    const int bottom = core->y + core->height == height ? a->height : first_position(field, core->y + core->height) - top;
    assert(x >= 0 && y >= 0 && right <= a->width && bottom <= a->height); // tile_rules_resolve() makes halos wide enough
    return (struct rectangle){.x = x, .y = y, .width = right > x ? right - x : 0, .height = bottom > y ? bottom - y : 0};
}

// Sum over these positions of one block of channels, each channel in its own lane.
static double sum_block(const float *data, int row, const struct rectangle *at, int block, const float *chosen,
                        enum config_objective objective)
{
    double lanes[BLOCK_MAX] = {0};
    for (int y = at->y; y < at->y + at->height; y++) {
        const float *values = data + ((size_t)y * (size_t)row + (size_t)at->x) * (size_t)block;
        if (objective == OBJECTIVE_MEAN_SQUARE)
            for (int x = 0; x < at->width; x++, values += block)
                for (int c = 0; c < block; c++)
                    lanes[c] += (double)values[c] * (double)values[c];
        else
            for (int x = 0; x < at->width; x++, values += block)
                for (int c = 0; c < block; c++)
                    lanes[c] += (double)values[c];
    }
    double sum = 0;
    for (int c = 0; c < block; c++)
        if (chosen[c] != 0)
            sum += lanes[c];
    return sum;
}

void objective_sums(const struct objective *objective, struct executor *executor, const struct tile *tile, int width, int height,
                    double sums[CONFIG_TARGETS_MAX])
{
    enum { BLOCKS_MAX = 2048 / 8 };
    for (int t = 0; t < objective->count; t++) {
        const struct config_target *target = &objective->config->targets.items[t];
        const struct tensor a = executor_target(executor, t);
        const struct rectangle at = positions_of(&objective->fields[t], tile, width, height, &a);
        const size_t block_values = (size_t)a.height * (size_t)a.width * (size_t)a.block;
        const int blocks = a.channels / a.block;
        double block_sums[BLOCKS_MAX];
#pragma omp parallel for schedule(static)
        for (int b = 0; b < blocks; b++) {
            float chosen[BLOCK_MAX];
            choose(target, b * a.block, a.block, chosen);
            block_sums[b] = sum_block(a.data + (size_t)b * block_values, a.width, &at, a.block, chosen, objective->config->objective);
        }
        sums[t] = 0;
        for (int b = 0; b < blocks; b++)
            sums[t] += block_sums[b];
    }
}

double objective_loss(const struct objective *objective, const double sums[CONFIG_TARGETS_MAX], const double values[CONFIG_TARGETS_MAX],
                      double target_loss[CONFIG_TARGETS_MAX])
{
    double total = 0;
    for (int t = 0; t < objective->count; t++) {
        target_loss[t] = sums[t] / values[t];
        total += objective->config->targets.items[t].weight * target_loss[t];
    }
    return total;
}

void objective_gradient(const struct objective *objective, struct executor *executor, const double values[CONFIG_TARGETS_MAX])
{
    for (int t = 0; t < objective->count; t++) {
        const struct config_target *target = &objective->config->targets.items[t];
        const struct tensor a = executor_target(executor, t);
        const size_t positions = (size_t)a.height * (size_t)a.width;
        const double scale = target->weight / values[t];
        // d mean(A^2) = 2 A / n, d mean(A) = 1 / n: slope * A + constant
        const float slope = objective->config->objective == OBJECTIVE_MEAN_SQUARE ? (float)(2 * scale) : 0.0f;
        const float constant = objective->config->objective == OBJECTIVE_MEAN ? (float)scale : 0.0f;
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
