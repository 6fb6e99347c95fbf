// SPDX-License-Identifier: MIT
#include "worker/ascent/colours.h"

#include <math.h>
#include <stdlib.h>

#include "worker/team/slab_sums.h"

enum { CHANNELS = 3, MOMENTS = 2 };

static void add_row(const float *row, int count, double *sums)
{
    double sum = 0;
    for (int x = 0; x < count; x++)
        sum += row[x];
    sums[0] += sum;
    sums[1] += slab_row_squares(row, count);
}

enum status colours_hold(struct team *team, struct slab *rows, const struct frame_colours *colours)
{
    const double pixels = (double)rows->width * rows->height;
    double(*sums)[CHANNELS * MOMENTS], all[CHANNELS * MOMENTS];
    enum status rc;
    TRY_OUT(team_agree(team, ALLOCATE(sums, slab_bands(rows->rows) + 1, "for the colours of a frame")));
#pragma omp parallel for schedule(static)
    for (int band = 0; band < slab_bands(rows->rows); band++)
        for (int c = 0; c < CHANNELS; c++)
            for (int y = slab_band(rows->rows, band).begin; y < slab_band(rows->rows, band).end; y++)
                add_row(slab_row(rows, c, y), rows->width, &sums[band][c * MOMENTS]);
    TRY_OUT(team_sum(team, sums[0], slab_bands((struct span){0, rows->height}), CHANNELS * MOMENTS, all, NULL));
    for (int c = 0; c < CHANNELS; c++) {
        const double mean = all[c * MOMENTS] / pixels, variance = fmax(all[c * MOMENTS + 1] / pixels - mean * mean, 0);
        const float gain = (float)fmin(colours->deviation[c] / (sqrt(variance) + 1e-6), 2), shift = (float)(colours->mean[c] - gain * mean);
#pragma omp parallel for schedule(static)
        for (int y = rows->rows.begin; y < rows->rows.end; y++)
            for (int x = 0; x < rows->width; x++)
                slab_row(rows, c, y)[x] = gain * slab_row(rows, c, y)[x] + shift;
    }
out:
    free(sums);
    return rc;
}
