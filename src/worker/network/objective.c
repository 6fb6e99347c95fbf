// SPDX-License-Identifier: MIT
#include "worker/network/objective.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config_targets.h"
#include "kernels/execution/feature_match.h"
#include "kernels/network/parameters.h"
#include "kernels/onednn/onednn.h"

enum status objective_find_targets(struct objective *objective, const struct config *config)
{
    const struct network *network = network_inception_v3();
    *objective = (struct objective){.config = config, .count = config->targets.count, .only = -1};
    for (int t = 0; t < objective->count; t++) {
        const int row = objective->rows[t] = network_find(network, config->targets.items[t].layer);
        if (row <= 0)
            return fail(STATUS_USAGE, "targets: the network has no layer '%s'", config->targets.items[t].layer);
        objective->fields[t] = network_receptive_field(network, row);
        objective->channels[t] = network->layers[row].channels;
        objective->target_weights[t] = config->targets.items[t].weight;
    }
    return STATUS_OK;
}

struct gradient_rule objective_gradient_rule(const struct config *config)
{
    static const enum gradient_mode modes[] = {
        [GRADIENT_GUIDED] = GRADIENT_MODE_GUIDED, [GRADIENT_PLAIN] = GRADIENT_MODE_PLAIN, [GRADIENT_DECONV] = GRADIENT_MODE_DECONV};
    return (struct gradient_rule){.mode = modes[config->gradient],
                                  .above = network_find(network_inception_v3(), config->gradient_above),
                                  .leak = (float)(1 - config->gradient_strength)};
}

void objective_enter_octave(struct objective *objective, int octave, int count)
{
    for (int t = 0; t < objective->count; t++) {
        const struct config_target *target = &objective->config->targets.items[t];
        const bool counts = objective->only < 0 ? config_target_counts(target, octave, count) : t == objective->only;
        objective->target_weights[t] = !counts ? 0 : objective->only < 0 ? target->weight : 1;
    }
}

#define KERAS_WITH_TOP                                                                                                                     \
    "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/"                                                           \
    "inception_v3_weights_tf_dim_ordering_tf_kernels.h5"

static void choose_channels(struct objective *objective, int t)
{
    const struct config_target *target = &objective->config->targets.items[t];
    const int channels = objective->channels[t], chosen = target->channel_count + target->lowered_count; // all different
    for (int c = 0; c < channels; c++)
        objective->weights[t][c] = chosen == 0;
    for (int k = 0; k < target->channel_count; k++)
        objective->weights[t][target->channels[k]] = 1;
    for (int k = 0; k < target->lowered_count; k++)
        objective->weights[t][target->lowered[k]] = -1;
    objective->counted[t] = chosen ? chosen : channels;
}

static enum status choose_class(struct objective *objective, const float *weights, int classes)
{
    const struct network *network = network_inception_v3();
    const int class = atoi(objective->config->class), channels = network->layers[network->layer_count - 1].channels;
    if (classes == 0)
        return fail(STATUS_USAGE,
                    "objective: class needs a model file with the classifier (the top), and this one has none: set model.path to "
                    "one, such as " KERAS_WITH_TOP " (96 MB), or import weights of your own; those of `oneiros model fetch` have none");
    if (class >= classes)
        return fail(STATUS_USAGE, "class: the model knows the classes 0..%d, not %d", classes - 1, class);
    if (objective->count != 1 || objective->rows[0] != network->layer_count - 1)
        return fail(STATUS_USAGE, "objective: class raises a logit: set targets: %s", network->layers[network->layer_count - 1].name);
    memcpy(objective->weights[0], parameters_top_kernel(network, weights) + (size_t) class * (size_t)channels,
           (size_t)channels * sizeof(float));
    objective->bias = parameters_top_bias(network, weights)[class];
    objective->counted[0] = 1;
    return STATUS_OK;
}

enum status objective_init(struct objective *objective, const struct config *config, const float *weights, int classes)
{
    TRY(objective_find_targets(objective, config));
    for (int t = 0; t < objective->count; t++) {
        TRY(ALLOCATE(objective->weights[t], (size_t)objective->channels[t], "for the objective"));
        choose_channels(objective, t);
    }
    if (config->objective == OBJECTIVE_CLASS)
        return choose_class(objective, weights, classes);
    return STATUS_OK;
}

void objective_destroy(struct objective *objective)
{
    for (int t = 0; t < objective->count; t++) {
        free(objective->weights[t]);
        feature_match_destroy(&objective->guides[t]);
    }
    *objective = (struct objective){0};
}

enum status objective_copy(struct objective *own, const struct objective *from)
{
    *own = *from;
    memset(own->weights, 0, sizeof own->weights); // not ours
    for (int t = 0; t < from->count; t++) {
        TRY(ALLOCATE(own->weights[t], from->channels[t], "for the weights of channels"));
        memcpy(own->weights[t], from->weights[t], (size_t)from->channels[t] * sizeof *from->weights[t]);
    }
    return STATUS_OK;
}

enum status objective_copy_channel(struct objective *own, const struct objective *from, int target, int channel)
{
    TRY(objective_copy(own, from));
    for (int c = 0; c < own->channels[target]; c++)
        own->weights[target][c] = c == channel;
    own->counted[target] = 1;
    own->only = target;
    objective_enter_octave(own, 0, 1);
    return STATUS_OK;
}

void objective_copy_destroy(struct objective *own)
{
    for (int t = 0; t < own->count; t++)
        free(own->weights[t]);
    *own = (struct objective){0};
}

enum status objective_set_guide(struct objective *objective, struct executor *executor)
{
    for (int t = 0; t < objective->count; t++) {
        const struct tensor features = executor_target(executor, t);
        TRY(feature_match_create(&objective->guides[t], &features));
    }
    return STATUS_OK;
}

int objective_deepest(const struct objective *objective)
{
    int deepest = 0;
    for (int t = 1; t < objective->count; t++)
        if (objective->rows[t] > objective->rows[deepest])
            deepest = t;
    return deepest;
}

int objective_deepest_counting(const struct objective *objective)
{
    int deepest = -1;
    for (int t = 0; t < objective->count; t++)
        if (objective->target_weights[t] != 0 && (deepest < 0 || objective->rows[t] > objective->rows[deepest]))
            deepest = t;
    return deepest;
}

void objective_values(const struct objective *objective, int width, int height, double values[CONFIG_TARGETS_MAX])
{
    const struct network *network = network_inception_v3();
    for (int t = 0; t < objective->count; t++) {
        int w, h;
        network_output_size(network, objective->rows[t], width, height, &w, &h);
        const double positions = objective->config->targets.items[t].place_count ? 1 : (double)w * h;
        values[t] = positions * (objective->config->objective == OBJECTIVE_GUIDE ? objective->channels[t] : objective->counted[t]);
    }
}

// First of the positions whose receptive fields' middles lie at pixel `from` or behind.
static int first_position(const struct receptive_field *field, int from)
{
    return from <= field->centre ? 0 : (from - field->centre + field->stride - 1) / field->stride;
}

struct rectangle objective_positions(const struct objective *objective, int target, const struct tile *tile, int width, int height)
{
    const struct receptive_field *field = &objective->fields[target];
    const struct rectangle *core = &tile->core;
    int w, h;
    network_output_size(network_inception_v3(), objective->rows[target], width, height, &w, &h);
    const int x = first_position(field, core->x), y = first_position(field, core->y);
    // behind the last core there is nothing to belong to another one
    const int right = core->x + core->width == width ? w : first_position(field, core->x + core->width);
    const int bottom = core->y + core->height == height ? h : first_position(field, core->y + core->height);
    return (struct rectangle){.x = x, .y = y, .width = right > x ? right - x : 0, .height = bottom > y ? bottom - y : 0};
}

struct rectangle objective_window_positions(const struct objective *objective, int target, const struct objective_view *view)
{
    const int stride = objective->fields[target].stride;
    struct rectangle at = objective_positions(objective, target, view->tile, view->width, view->height);
    at.x -= view->tile->window.x / stride;
    at.y -= view->tile->window.y / stride;
    return at;
}

static int nearest_position(double part, int pixels, int roll, const struct receptive_field *field, int count)
{
    const int pixel = (int)fmin(part * pixels, pixels - 1);
    const double rolled = ((pixel + roll) % pixels + pixels) % pixels;
    const double position = floor((rolled - field->centre) / field->stride + 0.5); // of two that are as near the same for every roll
    return position < 0 ? 0 : position >= count ? count - 1 : (int)position;
}

// Those of the positions `among`, in the grid of the tile's window, that the objective sees: all of them, or one.
static struct rectangle seen(const struct objective *objective, int target, const struct objective_view *view, struct rectangle among)
{
    const struct receptive_field *field = &objective->fields[target];
    const struct config_target *chosen = &objective->config->targets.items[target];
    int w, h;
    if (!chosen->place_count)
        return among;
    network_output_size(network_inception_v3(), objective->rows[target], view->width, view->height, &w, &h);
    const int x = nearest_position(chosen->place[0], view->width, view->dx, field, w) - view->tile->window.x / field->stride;
    const int y = nearest_position(chosen->place[1], view->height, view->dy, field, h) - view->tile->window.y / field->stride;
    const bool inside = x >= among.x && x < among.x + among.width && y >= among.y && y < among.y + among.height;
    return inside ? (struct rectangle){.x = x, .y = y, .width = 1, .height = 1} : (struct rectangle){0};
}

// What objectives make of activations: A, or A^2 up to saturation, which is 2 A^2 / (1 + sqrt(1 + bend A^2)) with bend = 1 / S^2.
struct power {
    bool square;
    double bend; // 0: none
};

static struct power power_of(const struct config *config)
{
    const bool square = config->objective == OBJECTIVE_MEAN_SQUARE;
    return (struct power){square, square && config->saturation > 0 ? 1 / (config->saturation * config->saturation) : 0};
}

static double raised(struct power power, double value)
{
    return power.square ? 2 * value * value / (1 + sqrt(1 + power.bend * value * value)) : value;
}

// Sum over these positions of one block of channels, each channel in its own lane.
static double sum_block(const float *data, int row, const struct rectangle *at, int block, const float *weights, struct power power)
{
    double lanes[ONEDNN_BLOCK_MAX] = {0};
    for (int y = at->y; y < at->y + at->height; y++) {
        const float *values = data + ((size_t)y * (size_t)row + (size_t)at->x) * (size_t)block;
        for (int x = 0; x < at->width; x++, values += block)
            for (int c = 0; c < block; c++)
                lanes[c] += raised(power, values[c]);
    }
    double sum = 0;
    for (int c = 0; c < block; c++)
        sum += (double)weights[c] * lanes[c];
    return sum;
}

static double sum_blocks(const struct tensor *a, const struct rectangle *at, const float *weights, struct power power)
{
    enum { BLOCKS_MAX = 2048 / 8 };
    const size_t block_values = (size_t)a->height * (size_t)a->width * (size_t)a->block;
    const int blocks = a->channels / a->block;
    double block_sums[BLOCKS_MAX], sum = 0;
#pragma omp parallel for schedule(static)
    for (int b = 0; b < blocks; b++)
        block_sums[b] = sum_block(a->data + (size_t)b * block_values, a->width, at, a->block, weights + b * a->block, power);
    for (int b = 0; b < blocks; b++)
        sum += block_sums[b];
    return sum;
}

// Of each position with what matches it best.
static enum status sum_likeness(struct feature_match *guide, const struct tensor *a, const struct rectangle *at, double *sum)
{
    const int32_t *best;
    const float *score;
    TRY(feature_match_find(guide, a, &best, &score));
    *sum = 0;
    for (int y = at->y; y < at->y + at->height; y++)
        for (int x = at->x; x < at->x + at->width; x++)
            *sum += (double)score[(size_t)y * (size_t)a->width + (size_t)x];
    return STATUS_OK;
}

enum status objective_sums(const struct objective *objective, struct executor *executor, const struct objective_view *view,
                           double sums[CONFIG_TARGETS_MAX])
{
    for (int t = 0; t < objective->count; t++) {
        const struct tensor a = executor_target(executor, t);
        struct rectangle at = objective_window_positions(objective, t, view);
        assert(at.x >= 0 && at.y >= 0 && at.x + at.width <= a.width && at.y + at.height <= a.height); // halos are wide enough
        at = seen(objective, t, view, at);
        if (objective->guides[t])
            TRY(sum_likeness(objective->guides[t], &a, &at, &sums[t]));
        else
            sums[t] = sum_blocks(&a, &at, objective->weights[t], power_of(objective->config));
    }
    return STATUS_OK;
}

double objective_loss(const struct objective *objective, const double sums[CONFIG_TARGETS_MAX], const double values[CONFIG_TARGETS_MAX],
                      double target_loss[CONFIG_TARGETS_MAX])
{
    double total = 0;
    for (int t = 0; t < objective->count; t++) {
        target_loss[t] = sums[t] / values[t] + objective->bias;
        total += objective->target_weights[t] * target_loss[t];
    }
    return total;
}

// In the rectangle `at`: data = weight * scale * d raised(data) / d data; 0 outside it.
static void differentiate(const struct tensor *a, const struct rectangle *at, const float *weights, struct power power, double scale)
{
    // d A = 1, d A^2 = 2 A / sqrt(1 + bend A^2): slope * A / sqrt(1 + bend A^2) + constant
    const float slope = power.square ? (float)(2 * scale) : 0, constant = power.square ? 0 : (float)scale, bend = (float)power.bend;
    const size_t plane = (size_t)a->height * (size_t)a->width * (size_t)a->block, row = (size_t)a->width * (size_t)a->block;
#pragma omp parallel for schedule(static)
    for (int b = 0; b < a->channels / a->block; b++)
        for (int y = 0; y < a->height; y++) {
            float *data = a->data + (size_t)b * plane + (size_t)y * row;
            const bool inside = y >= at->y && y < at->y + at->height;
            const int begin = inside ? at->x : 0, end = inside ? at->x + at->width : 0;
            memset(data, 0, (size_t)begin * (size_t)a->block * sizeof *data);
            for (int x = begin; x < end; x++)
                for (int c = 0; c < a->block; c++) {
                    float *value = data + (size_t)x * (size_t)a->block + (size_t)c;
                    *value = weights[b * a->block + c] * (slope * *value / sqrtf(1 + bend * *value * *value) + constant);
                }
            memset(data + (size_t)end * (size_t)a->block, 0, (row - (size_t)end * (size_t)a->block) * sizeof *data);
        }
}

void objective_gradient(const struct objective *objective, struct executor *executor, const struct objective_view *view)
{
    for (int t = 0; t < objective->count; t++) {
        const struct tensor a = executor_target(executor, t);
        const double scale = objective->target_weights[t] / view->values[t];
        const struct rectangle at = seen(objective, t, view, (struct rectangle){.width = a.width, .height = a.height});
        if (objective->guides[t])
            feature_match_gather(objective->guides[t], (float)scale, &a);
        else
            differentiate(&a, &at, objective->weights[t], power_of(objective->config), scale);
    }
}
