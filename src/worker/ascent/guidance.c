// SPDX-License-Identifier: MIT
#include "worker/ascent/guidance.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "common/system/clock.h"
#include "worker/team/slab_sums.h"

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
static void cell_row(const struct slab *gradient, struct span rows, int cells, float *means)
{
    for (int cell = 0; cell < cells; cell++) {
        const int left = cell * TILING_BAND, right = left + TILING_BAND < gradient->width ? left + TILING_BAND : gradient->width;
        double sum = 0;
        for (int y = rows.begin; y < rows.end; y++) {
            const float *red = slab_row(gradient, 0, y), *green = slab_row(gradient, 1, y), *blue = slab_row(gradient, 2, y);
            for (int x = left; x < right; x++)
                sum += (double)saliency_at(red, green, blue, x);
        }
        means[cell] = (float)(sum / ((double)(right - left) * (rows.end - rows.begin)));
    }
}

// This member's rows of an octave.
static struct span own_rows(const struct guidance *g, const struct slab *gradient)
{
    return tiling_rows(gradient->height, g->team->size, g->team->rank);
}

static enum status find_saliency(struct guidance *g, const struct slab *gradient)
{
    const struct span rows = own_rows(g, gradient);
    const struct heat_grid grid = {.width = (gradient->width + TILING_BAND - 1) / TILING_BAND,
                                   .height = (gradient->height + TILING_BAND - 1) / TILING_BAND,
                                   .stride = TILING_BAND,
                                   .centre = TILING_BAND / 2,
                                   .octave_width = gradient->width,
                                   .octave_height = gradient->height};
    TRY(heat_create(&g->saliency, &grid));
#pragma omp parallel for schedule(static)
    for (int band = 0; band < slab_bands(rows); band++)
        cell_row(gradient, slab_band(rows, band), grid.width, g->saliency.values + (rows.begin / TILING_BAND + band) * grid.width);
    TRY(team_exchange(g->team, g->saliency.values, grid.height, grid.width));
    heat_normalise(&g->saliency);
    return STATUS_OK;
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
        rc = find_saliency(g, gradient);
    timing_add(g->team->timing, PHASE_ATTRIBUTION, start, 0);
    return rc;
}

// gradient *= (1 - strength) + strength * map
static enum status mask(struct slab *gradient, const struct heat *heat, double strength)
{
    const size_t width = (size_t)gradient->width;
    float *lines;
    TRY(ALLOCATE(lines, (size_t)omp_get_max_threads() * width, "to mask the gradient"));
#pragma omp parallel for schedule(static)
    for (int y = gradient->rows.begin; y < gradient->rows.end; y++) {
        float *factors = lines + (size_t)omp_get_thread_num() * width;
        heat_row(heat, gradient->width, gradient->height, y, factors);
        for (size_t x = 0; x < width; x++)
            factors[x] = (float)(1 - strength + strength * (double)factors[x]);
        for (int c = 0; c < 3; c++) {
            float *row = slab_row(gradient, c, y);
            for (size_t x = 0; x < width; x++)
                row[x] *= factors[x];
        }
    }
    free(lines);
    return STATUS_OK;
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

static enum status add_terms(struct guidance *g, struct slab *gradient)
{
    const struct config *config = g->config;
    const struct span held = gradient->rows, rows = own_rows(g, gradient);
    const int width = gradient->width, height = gradient->height;
    double(*sums)[TERMS], norms[TERMS], factors[1 + TERMS];
    float *maps = NULL; // of the held rows; 0 without a map
    enum status rc;
    TRY(ALLOCATE(sums, slab_bands(rows) + 1, "for the added terms"));
    TRY_OUT(ALLOCATE(maps, (size_t)(held.end - held.begin + 1) * (size_t)width, "for the added terms"));
#pragma omp parallel for schedule(static)
    for (int y = held.begin; y < held.end; y++)
        if (g->cam.values)
            heat_row(&g->cam, width, height, y, maps + (size_t)(y - held.begin) * (size_t)width);
#pragma omp parallel for schedule(static)
    for (int band = 0; band < slab_bands(rows); band++)
        for (int y = slab_band(rows, band).begin; y < slab_band(rows, band).end; y++)
            square_row(gradient, y, maps + (size_t)(y - held.begin) * (size_t)width, sums[band]);
    TRY_OUT(team_sum(g->team, sums[0], slab_bands((struct span){0, height}), TERMS, norms, NULL));
    const double epsilon = 1e-8;
    factors[GRADIENT] = 1 / (sqrt(norms[GRADIENT]) + epsilon);
    factors[SALIENCY] = config->guidance.add_saliency / (sqrt(norms[SALIENCY]) + epsilon);
    factors[CAM] = config->guidance.add_cam / (sqrt(norms[CAM]) + epsilon);
    factors[TERMS] = config->guidance.add_magnitude * factors[GRADIENT]; // |g| has the norm of g
#pragma omp parallel for schedule(static)
    for (int y = held.begin; y < held.end; y++)
        combine_row(gradient, y, maps + (size_t)(y - held.begin) * (size_t)width, factors);
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
