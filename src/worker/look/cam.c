// SPDX-License-Identifier: MIT
#include "worker/look/cam.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/clock.h"

int cam_target(const struct objective *objective)
{
    const int row = network_find(network_inception_v3(), objective->config->cam.layer);
    const int counting = objective_deepest_counting(objective);
    int target = objective_deepest(objective);
    for (int t = 0; t < objective->count; t++)
        if (objective->rows[t] == row)
            target = t;
    return counting >= 0 && objective->rows[target] > objective->rows[counting] ? counting : target;
}

static inline double gradient_alone(float a, float g, double given)
{
    (void)a, (void)given;
    return g;
}

static inline double activation_alone(float a, float g, double given)
{
    (void)g, (void)given;
    return a;
}

// a ReLU(G) of Grad-CAM++; `sum` of the channel's activation.
static inline double plus_plus(float a, float g, double sum)
{
    const double square = (double)g * g, divisor = 2 * square + square * g * sum;
    (void)a;
    return g > 0 && divisor > 0 ? square / divisor * g : 0;
}

static void add_gradients(const struct feature *feature, double *sums, const void *given)
{
    features_add(feature, sums, gradient_alone, given);
}

static void add_activations(const struct feature *feature, double *sums, const void *given)
{
    features_add(feature, sums, activation_alone, given);
}

static void add_plus_plus(const struct feature *feature, double *sums, const void *given)
{
    features_add(feature, sums, plus_plus, given);
}

// The weights of the channels; of Grad-CAM those times the number of positions. [channels]
static enum status find_weights(const struct features *f, int target, enum config_cam method, double *weights)
{
    const int channels = f->objective->channels[target];
    double *activations = NULL;
    enum status rc = STATUS_OK;
    switch (method) {
    case CAM_GRAD:
        rc = features_sum(f, target, channels, add_gradients, NULL, weights);
        break;
    case CAM_GRAD_PLUS_PLUS:
        TRY(ALLOCATE(activations, channels, "for a class activation map"));
        TRY_OUT(features_sum(f, target, channels, add_activations, NULL, activations));
        rc = features_sum(f, target, channels, add_plus_plus, activations, weights);
        break;
    case CAM_CLASS:
        for (int c = 0; c < channels; c++)
            weights[c] = f->objective->weights[target][c];
        break;
    case CAM_LAYER: // have none
    case CAM_HIRES:
        break;
    }
out:
    free(activations);
    return rc;
}

// How the channels of a map count: by their weights, or, where these are NULL, at each position by the gradient or its positive part.
struct weighing {
    const double *weights;
    bool positive;
};

// One row of the map over a feature's positions.
static void map_row(const struct feature *feature, int y, const struct weighing *by, float *out)
{
    const double *weights = by->weights;
    const float least = by->positive ? 0 : -INFINITY;
    const size_t width = (size_t)feature->at.width, block = (size_t)feature->block;
    const size_t plane = width * (size_t)feature->at.height * block, row = (size_t)y * width * block;
    for (size_t x = 0; x < width; x++) {
        double lanes[ONEDNN_BLOCK_MAX] = {0}, sum = 0;
        for (int b = 0; b < feature->channels / feature->block; b++) {
            const size_t at = (size_t)b * plane + row + x * block;
            const float *a = feature->activation + at, *g = weights ? a : feature->gradient + at;
            for (size_t c = 0; c < block; c++)
                lanes[c] += (double)a[c] * (weights ? weights[(size_t)b * block + c] : (double)fmaxf(g[c], least));
        }
        for (size_t c = 0; c < block; c++)
            sum += lanes[c];
        out[x] = sum > 0 ? (float)sum : 0;
    }
}

static struct rectangle positions_of(const struct features *f, int target, int number)
{
    const struct tile tile = tiling_tile(f->tiling, number);
    return objective_positions(f->objective, target, &tile, f->tiling->across.length, f->tiling->down.length);
}

// Tile by tile, in rooms that are as large as the largest of them needs, then to their places.
static enum status fill(const struct features *f, int target, const struct weighing *by, struct heat *heat)
{
    const int tiles = tiling_count(f->tiling);
    int room = 0;
    for (int i = 0; i < tiles; i++) {
        const struct rectangle at = positions_of(f, target, i);
        room = at.width * at.height > room ? at.width * at.height : room;
    }
    float *parts;
    TRY(ALLOCATE(parts, (size_t)tiles * (size_t)room, "for a class activation map"));
    for (int i = f->mine.begin; i < f->mine.end; i++) {
        const struct feature *feature = features_at(f, i, target);
        float *part = parts + (size_t)i * (size_t)room;
#pragma omp parallel for schedule(static)
        for (int y = 0; y < feature->at.height; y++)
            map_row(feature, y, by, part + (size_t)y * (size_t)feature->at.width);
    }
    const enum status rc = team_exchange(f->team, parts, tiles, room);
    for (int i = 0; i < tiles && rc == STATUS_OK; i++) {
        const struct rectangle at = positions_of(f, target, i);
        for (int y = 0; y < at.height; y++)
            memcpy(heat->values + (size_t)(at.y + y) * (size_t)heat->grid.width + at.x,
                   parts + (size_t)i * (size_t)room + (size_t)y * (size_t)at.width, (size_t)at.width * sizeof *parts);
    }
    free(parts);
    return rc;
}

enum status cam_make(const struct features *f, int target, enum config_cam method, int dy, int dx, struct heat *heat, double *scale)
{
    const double start = now();
    const struct heat_grid grid = features_grid(f, target, dy, dx);
    double *weights;
    enum status rc;
    *heat = (struct heat){0};
    TRY(ALLOCATE(weights, f->objective->channels[target], "for a class activation map"));
    TRY_OUT(find_weights(f, target, method, weights));
    if (method == CAM_GRAD)
        for (int c = 0; c < f->objective->channels[target]; c++)
            weights[c] /= (double)grid.width * grid.height;
    TRY_OUT(heat_create(heat, &grid));
    const bool weighed = method != CAM_LAYER && method != CAM_HIRES;
    TRY_OUT(fill(f, target, &(struct weighing){.weights = weighed ? weights : NULL, .positive = method == CAM_LAYER}, heat));
    *scale = (double)heat_normalise(heat);
out:
    free(weights);
    if (rc != STATUS_OK)
        heat_destroy(heat);
    timing_add(f->team->timing, PHASE_ATTRIBUTION, start, 0);
    return rc;
}
