// SPDX-License-Identifier: MIT
// Features of an octave in one tile or several, by a team of one, filled with given values instead of the network's.
#pragma once

#include <omp.h>

#include "naive_attribution.h"
#include "worker/network/features.h"

static const struct tile_rules ONE_TILE = {.size = 65536, .halo = 64, .blend = 8, .stride = 16};
static const struct tile_rules SMALL_TILES = {.size = 208, .halo = 64, .blend = 8, .stride = 16};

struct features_setup {
    struct config config;
    struct objective objective;
    struct timing timing;
    struct team *team;
    struct tiling tiling;
    struct features features;
    float *activations[CONFIG_TARGETS_MAX], *gradients[CONFIG_TARGETS_MAX]; // (channels, height, width) of the octave
    struct naive_target targets[CONFIG_TARGETS_MAX];                        // views of them
};

// `gradients`: a bit for each target that has one. Activations are like a ReLU's, half of them 0.
static inline void features_set_up(struct features_setup *s, const char *targets, int width, int height, unsigned gradients)
{
    char setting[256];
    memset(s, 0, sizeof *s);
    config_init(&s->config);
    snprintf(setting, sizeof setting, "targets=%s", targets);
    UNIT_OK(config_set(&s->config, setting));
    UNIT_OK(objective_init(&s->objective, &s->config, NULL, 0));
    UNIT_OK(team_create(&s->team, MPI_COMM_NULL, &(int32_t){0}, 1, &s->timing));
    for (int t = 0; t < s->objective.count; t++) {
        struct naive_target *target = &s->targets[t];
        target->channels = s->objective.channels[t];
        network_output_size(network_inception_v3(), s->objective.rows[t], width, height, &target->width, &target->height);
        const size_t count = naive_count(target->channels, target->height, target->width);
        s->activations[t] = naive_random(count, 21 + (uint32_t)t);
        for (size_t i = 0; i < count; i++)
            s->activations[t][i] = fmaxf(s->activations[t][i], 0);
        target->activation = s->activations[t];
        if (gradients >> t & 1)
            target->gradient = s->gradients[t] = naive_random(count, 51 + (uint32_t)t);
    }
}

// The part of (channels, height, width) that a tile's window shows, blocked.
static inline struct tensor features_window(const struct features_setup *s, int t, const struct tile *tile, const float *planar)
{
    const struct naive_target *target = &s->targets[t];
    const int stride = s->objective.fields[t].stride, x0 = tile->window.x / stride, y0 = tile->window.y / stride;
    struct tensor tensor = {.channels = target->channels, .block = onednn_block()};
    network_output_size(network_inception_v3(), s->objective.rows[t], tile->window.width, tile->window.height, &tensor.width,
                        &tensor.height);
    const size_t positions = (size_t)tensor.height * (size_t)tensor.width;
    tensor.data = naive_alloc((size_t)tensor.channels * positions * sizeof *tensor.data);
    for (int c = 0; c < tensor.channels; c++)
        for (int y = 0; y < tensor.height; y++)
            for (int x = 0; x < tensor.width; x++)
                tensor.data[naive_blocked_index(c, (size_t)y * (size_t)tensor.width + (size_t)x, positions, tensor.block)] =
                    planar[naive_count(c, target->height, target->width) + (size_t)(y0 + y) * (size_t)target->width + (size_t)(x0 + x)];
    return tensor;
}

// Made anew from the planar arrays; as often as wanted.
static inline void features_fill(struct features_setup *s, int width, int height, const struct tile_rules *rules)
{
    unsigned gradients = 0;
    for (int t = 0; t < s->objective.count; t++)
        gradients |= s->gradients[t] ? 1u << t : 0;
    features_destroy(&s->features);
    UNIT_OK(tiling_create(&s->tiling, width, height, rules));
    UNIT_OK(features_create(&s->features, &s->objective, s->team, &s->tiling, gradients));
    for (int i = 0; i < tiling_count(&s->tiling); i++) {
        const struct tile tile = tiling_tile(&s->tiling, i);
        for (int t = 0; t < s->objective.count; t++) {
            const struct tensor a = features_window(s, t, &tile, s->activations[t]);
            features_keep_activation(&s->features, i, t, &a);
            free(a.data);
            const struct tensor g = features_window(s, t, &tile, s->gradients[t] ? s->gradients[t] : s->activations[t]);
            features_keep_gradient(&s->features, i, t, &g); // nothing happens where none is wanted
            free(g.data);
        }
    }
}

static inline void features_tear_down(struct features_setup *s)
{
    for (int t = 0; t < s->objective.count; t++) {
        free(s->activations[t]);
        free(s->gradients[t]);
    }
    features_destroy(&s->features);
    team_destroy(&s->team);
    objective_destroy(&s->objective);
}

static inline bool features_close(double found, double expected, double limit)
{
    return fabs(found - expected) <= limit * fabs(expected) || (isnan(found) && isnan(expected));
}
