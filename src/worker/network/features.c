// SPDX-License-Identifier: MIT
#include "worker/network/features.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/onednn/onednn.h"

static enum status allocate(const struct feature *feature, float **values)
{
    const size_t count = (size_t)feature->channels * (size_t)feature->at.width * (size_t)feature->at.height;
    return ALLOCATE(*values, count + 1, "to keep the targets' activations (%zu MiB)", count >> 18); // a tile may have no position
}

enum status features_create(struct features *f, const struct objective *objective, struct team *team, const struct tiling *tiling,
                            unsigned gradients)
{
    const struct span mine = tiling_share(tiling_count(tiling), team->size, team->rank);
    *f = (struct features){.objective = objective, .team = team, .tiling = tiling, .mine = mine};
    TRY(ALLOCATE(f->items, (size_t)(mine.end - mine.begin) * (size_t)objective->count + 1, "to keep the targets' activations"));
    for (int i = mine.begin; i < mine.end; i++) {
        const struct tile tile = tiling_tile(tiling, i);
        for (int t = 0; t < objective->count; t++) {
            struct feature *feature = features_at(f, i, t);
            feature->at = objective_positions(objective, t, &tile, tiling->across.length, tiling->down.length);
            feature->channels = objective->channels[t];
            feature->block = onednn_block();
            TRY(allocate(feature, &feature->activation));
            if (gradients >> t & 1)
                TRY(allocate(feature, &feature->gradient));
        }
    }
    return STATUS_OK;
}

void features_destroy(struct features *f)
{
    for (int i = 0; f->items && i < (f->mine.end - f->mine.begin) * f->objective->count; i++) {
        free(f->items[i].activation);
        free(f->items[i].gradient);
    }
    free(f->items);
    *f = (struct features){0};
}

static void copy_own(const struct features *f, int tile, int target, const struct tensor *from, float *to)
{
    const struct rectangle *at = &features_at(f, tile, target)->at, window = tiling_tile(f->tiling, tile).window;
    const int stride = f->objective->fields[target].stride;
    const size_t x = (size_t)(at->x - window.x / stride), y = (size_t)(at->y - window.y / stride);
    const size_t row = (size_t)from->width * (size_t)from->block, kept = (size_t)at->width * (size_t)from->block;
#pragma omp parallel for schedule(static)
    for (int b = 0; b < from->channels / from->block; b++) {
        const float *in = from->data + ((size_t)b * (size_t)from->height + y) * row + x * (size_t)from->block;
        float *out = to + (size_t)b * (size_t)at->height * kept;
        for (int k = 0; k < at->height; k++, in += row, out += kept)
            memcpy(out, in, kept * sizeof *out);
    }
}

void features_keep_activation(struct features *f, int tile, int target, const struct tensor *activation)
{
    copy_own(f, tile, target, activation, features_at(f, tile, target)->activation);
}

void features_keep_gradient(struct features *f, int tile, int target, const struct tensor *gradient)
{
    if (features_at(f, tile, target)->gradient)
        copy_own(f, tile, target, gradient, features_at(f, tile, target)->gradient);
}

struct heat_grid features_grid(const struct features *f, int target, int dy, int dx)
{
    const struct receptive_field *field = &f->objective->fields[target];
    struct heat_grid grid = {.stride = field->stride,
                             .centre = field->centre,
                             .octave_width = f->tiling->across.length,
                             .octave_height = f->tiling->down.length,
                             .dy = dy,
                             .dx = dx};
    network_output_size(network_inception_v3(), f->objective->rows[target], grid.octave_width, grid.octave_height, &grid.width,
                        &grid.height);
    return grid;
}

enum status features_sum(const struct features *f, int target, int width, void (*add)(const struct feature *, double *, const void *),
                         const void *given, double *sums)
{
    double *items;
    enum status rc;
    TRY(ALLOCATE(items, (size_t)(f->mine.end - f->mine.begin) * (size_t)width + 1, "for the sums of the targets' activations"));
    for (int i = f->mine.begin; i < f->mine.end; i++)
        add(features_at(f, i, target), items + (size_t)(i - f->mine.begin) * (size_t)width, given);
    rc = team_sum(f->team, items, tiling_count(f->tiling), width, sums, NULL);
    free(items);
    return rc;
}
