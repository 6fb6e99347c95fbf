// SPDX-License-Identifier: MIT
#include "worker/ascent/guidance.h"

#include <math.h>
#include <stdlib.h>

#include "common/system/clock.h"

void guidance_init(struct guidance *guidance, const struct config *config, struct team *team, struct span rows, const struct span *shares)
{
    *guidance = (struct guidance){.config = config, .team = team, .rows = rows, .shares = shares};
}

void guidance_destroy(struct guidance *guidance)
{
    heat_destroy(&guidance->saliency);
    heat_destroy(&guidance->cam);
}

static bool adds(const struct config *config)
{
    return config->guidance.add_magnitude > 0 || config->guidance.add_saliency > 0 || config->guidance.add_cam > 0;
}

bool guidance_wants_cam(const struct config *config)
{
    return config->guidance.cam > 0 || config->guidance.add_cam > 0;
}

bool guidance_is_on(const struct config *config)
{
    return guidance_wants_cam(config) || config->guidance.saliency > 0 || adds(config);
}

static float saliency_at(const float *red, const float *green, const float *blue, int x)
{
    return fmaxf(fabsf(red[x]), fmaxf(fabsf(green[x]), fabsf(blue[x])));
}

// Means of one band's cells.
static void cell_row(const struct slab *gradient, int y, int end, int cells, float *means)
{
    for (int cell = 0; cell < cells; cell++) {
        const int left = cell * TILING_BAND, right = left + TILING_BAND < gradient->width ? left + TILING_BAND : gradient->width;
        double sum = 0;
        for (int row = y; row < end; row++) {
            const float *red = slab_row(gradient, 0, row), *green = slab_row(gradient, 1, row), *blue = slab_row(gradient, 2, row);
            for (int x = left; x < right; x++)
                sum += (double)saliency_at(red, green, blue, x);
        }
        means[cell] = (float)(sum / ((double)(right - left) * (end - y)));
    }
}

enum status guidance_saliency(struct team *team, const struct slab *gradient, struct span rows, const struct span *shares,
                              struct heat *heat)
{
    const int cells = (gradient->width + TILING_BAND - 1) / TILING_BAND, bands = shares[team->rank].end - shares[team->rank].begin;
    const struct heat_grid grid = {.width = cells,
                                   .height = (gradient->height + TILING_BAND - 1) / TILING_BAND,
                                   .stride = TILING_BAND,
                                   .centre = TILING_BAND / 2,
                                   .octave_width = gradient->width,
                                   .octave_height = gradient->height};
    float *mine = malloc(((size_t)bands * (size_t)cells + 1) * sizeof *mine);
    int *counts = malloc((size_t)team->size * sizeof *counts);
    enum status rc;
    *heat = (struct heat){0};
    if (!mine || !counts) {
        rc = fail(STATUS_LIMIT, "no memory for a saliency map");
        goto out;
    }
#pragma omp parallel for schedule(static)
    for (int band = 0; band < bands; band++) {
        const int y = rows.begin + band * TILING_BAND, end = y + TILING_BAND < rows.end ? y + TILING_BAND : rows.end;
        cell_row(gradient, y, end, cells, mine + (size_t)band * (size_t)cells);
    }
    for (int m = 0; m < team->size; m++)
        counts[m] = (shares[m].end - shares[m].begin) * cells;
    TRY_OUT(heat_create(heat, &grid));
    TRY_OUT(team_collect(team, mine, counts, heat->values));
    heat_normalise(heat);
out:
    free(mine);
    free(counts);
    if (rc != STATUS_OK)
        heat_destroy(heat);
    return rc;
}

enum status guidance_look(struct guidance *g, const struct slab *gradient, struct heat *cam)
{
    const double start = now();
    enum status rc = STATUS_OK;
    heat_destroy(&g->cam);
    g->cam = *cam;
    *cam = (struct heat){0};
    heat_destroy(&g->saliency);
    if (g->config->guidance.saliency > 0)
        rc = guidance_saliency(g->team, gradient, g->rows, g->shares, &g->saliency);
    timing_add(g->team->timing, PHASE_ATTRIBUTION, start, 0);
    return rc;
}

// gradient *= (1 - strength) + strength * map
static enum status mask(struct slab *gradient, const struct heat *heat, double strength)
{
    const int width = gradient->width;
    bool complete = true;
#pragma omp parallel
    {
        float *factors = malloc((size_t)width * sizeof *factors);
        if (!factors)
#pragma omp atomic write
            complete = false;
#pragma omp for schedule(static)
        for (int y = gradient->rows.begin; y < gradient->rows.end; y++) {
            if (!factors)
                continue;
            heat_row(heat, width, gradient->height, y, factors);
            for (int x = 0; x < width; x++)
                factors[x] = (float)(1 - strength + strength * (double)factors[x]);
            for (int c = 0; c < 3; c++) {
                float *row = slab_row(gradient, c, y);
                for (int x = 0; x < width; x++)
                    row[x] *= factors[x];
            }
        }
        free(factors);
    }
    return complete ? STATUS_OK : fail(STATUS_LIMIT, "no memory to mask the gradient");
}

enum { GRADIENT, SALIENCY, CAM, TERMS };

// Squares of the terms in one row: of the gradient, of the saliency on three channels, of the masked gradient. `map` [width].
static void square_row(const struct slab *gradient, int y, const float *map, double sums[TERMS])
{
    const float *rgb[3] = {slab_row(gradient, 0, y), slab_row(gradient, 1, y), slab_row(gradient, 2, y)};
    for (int x = 0; x < gradient->width; x++) {
        const double saliency = saliency_at(rgb[0], rgb[1], rgb[2], x);
        sums[SALIENCY] += 3 * saliency * saliency;
        for (int c = 0; c < 3; c++) {
            const double value = rgb[c][x], masked = value * map[x];
            sums[GRADIENT] += value * value;
            sums[CAM] += masked * masked;
        }
    }
}

static void combine_row(struct slab *gradient, int y, const float *map, const double factors[1 + TERMS])
{
    float *rgb[3] = {slab_row(gradient, 0, y), slab_row(gradient, 1, y), slab_row(gradient, 2, y)};
    for (int x = 0; x < gradient->width; x++) {
        const double saliency = saliency_at(rgb[0], rgb[1], rgb[2], x);
        for (int c = 0; c < 3; c++) {
            const double value = rgb[c][x];
            const double sum =
                factors[GRADIENT] * value + factors[SALIENCY] * saliency + factors[CAM] * map[x] * value + factors[TERMS] * fabs(value);
            rgb[c][x] = (float)(sum < -1 ? -1 : sum > 1 ? 1 : sum);
        }
    }
}

static void map_row(const struct guidance *g, const struct slab *gradient, int y, float *map)
{
    if (g->cam.values)
        heat_row(&g->cam, gradient->width, gradient->height, y, map);
    else
        for (int x = 0; x < gradient->width; x++)
            map[x] = 0;
}

static enum status add_terms(struct guidance *g, struct slab *gradient)
{
    const struct config *config = g->config;
    const int bands = g->shares[g->team->rank].end - g->shares[g->team->rank].begin;
    double(*sums)[TERMS] = calloc((size_t)bands + 1, sizeof *sums), norms[TERMS], factors[1 + TERMS];
    float *maps = malloc((size_t)(gradient->rows.end - gradient->rows.begin + 1) * (size_t)gradient->width * sizeof *maps);
    bool flag = false;
    enum status rc;
    if (!sums || !maps) {
        rc = fail(STATUS_LIMIT, "no memory for the added terms");
        goto out;
    }
#pragma omp parallel for schedule(static)
    for (int y = gradient->rows.begin; y < gradient->rows.end; y++)
        map_row(g, gradient, y, maps + (size_t)(y - gradient->rows.begin) * (size_t)gradient->width);
#pragma omp parallel for schedule(static)
    for (int band = 0; band < bands; band++) {
        const int begin = g->rows.begin + band * TILING_BAND, end = begin + TILING_BAND < g->rows.end ? begin + TILING_BAND : g->rows.end;
        for (int y = begin; y < end; y++)
            square_row(gradient, y, maps + (size_t)(y - gradient->rows.begin) * (size_t)gradient->width, sums[band]);
    }
    TRY_OUT(team_sum(g->team, sums[0], g->shares, TERMS, norms, &flag));
    const double epsilon = 1e-8;
    factors[GRADIENT] = 1 / (sqrt(norms[GRADIENT]) + epsilon);
    factors[SALIENCY] = config->guidance.add_saliency / (sqrt(norms[SALIENCY]) + epsilon);
    factors[CAM] = config->guidance.add_cam / (sqrt(norms[CAM]) + epsilon);
    factors[TERMS] = config->guidance.add_magnitude * factors[GRADIENT]; // |g| has the norm of g
#pragma omp parallel for schedule(static)
    for (int y = gradient->rows.begin; y < gradient->rows.end; y++)
        combine_row(gradient, y, maps + (size_t)(y - gradient->rows.begin) * (size_t)gradient->width, factors);
out:
    free(sums);
    free(maps);
    return rc;
}

enum status guidance_apply(struct guidance *g, struct slab *gradient)
{
    const double start = now();
    enum status rc = STATUS_OK;
    if (g->saliency.values)
        TRY_OUT(mask(gradient, &g->saliency, g->config->guidance.saliency));
    if (g->cam.values && g->config->guidance.cam > 0)
        TRY_OUT(mask(gradient, &g->cam, g->config->guidance.cam));
    if (adds(g->config))
        rc = add_terms(g, gradient);
out:
    timing_add(g->team->timing, PHASE_ATTRIBUTION, start, 0);
    return rc;
}
