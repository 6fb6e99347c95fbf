// SPDX-License-Identifier: MIT
#include "worker/look/metrics.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "common/system/clock.h"
#include "kernels/onednn/onednn.h"

// Of a block of channels, over the positions: sums, sums of squares, and how many values are above the threshold.
static void add_block(const float *values, size_t positions, int block, float threshold, double *sums, double *squares, double *above)
{
    double sum[ONEDNN_BLOCK_MAX] = {0}, square[ONEDNN_BLOCK_MAX] = {0};
    int count[ONEDNN_BLOCK_MAX] = {0};
    for (size_t p = 0; p < positions; p++, values += block)
        for (int c = 0; c < block; c++) {
            const double value = values[c];
            sum[c] += value;
            square[c] += value * value;
            count[c] += values[c] > threshold;
        }
    for (int c = 0; c < block; c++) {
        sums[c] += sum[c];
        squares[c] += square[c];
        *above += count[c];
    }
}

// sums: of each channel, of each channel's squares, then how many values are above the threshold, of each block.
static void add_channels(const struct feature *feature, double *sums, const void *given)
{
    const float threshold = *(const float *)given;
    const size_t positions = (size_t)feature->at.width * (size_t)feature->at.height, block = (size_t)feature->block;
    const int channels = feature->channels;
#pragma omp parallel for schedule(static)
    for (int b = 0; b < channels / feature->block; b++) {
        const size_t first = (size_t)b * block;
        add_block(feature->activation + first * positions, positions, feature->block, threshold, sums + first,
                  sums + (size_t)channels + first, sums + 2 * (size_t)channels + b);
    }
}

// Sum over positions of (sum over channels of A_c / |A_c|)^2, which is the sum over all pairs of channels of their cosine.
static double row_cosines(const struct feature *feature, int y, const double *inverse, double *sums)
{
    const size_t width = (size_t)feature->at.width, block = (size_t)feature->block;
    const size_t plane = width * (size_t)feature->at.height * block;
    double total = 0;
    for (size_t i = 0; i < width * block; i++)
        sums[i] = 0;
    for (int b = 0; b < feature->channels / feature->block; b++) {
        const float *values = feature->activation + (size_t)b * plane + (size_t)y * width * block;
        const double *scale = inverse + (size_t)b * block;
        for (size_t x = 0; x < width; x++)
            for (size_t c = 0; c < block; c++)
                sums[x * block + c] += (double)values[x * block + c] * scale[c];
    }
    for (size_t x = 0; x < width; x++) {
        double sum = 0;
        for (size_t c = 0; c < block; c++)
            sum += sums[x * block + c];
        total += sum * sum;
    }
    return total;
}

// given: what each channel is multiplied with so that its l2 norm is 1; 0 for a silent one.
static void add_cosines(const struct feature *feature, double *sum, const void *given)
{
    const size_t height = (size_t)feature->at.height, line = (size_t)feature->at.width * (size_t)feature->block;
    const size_t threads = (size_t)omp_get_max_threads();
    double *rows = calloc(height + threads * line + 1, sizeof *rows), *lines = rows + height; // a tile may have no position
    if (!rows) {
        *sum = NAN; // a metric is not worth an image
        return;
    }
#pragma omp parallel for schedule(static)
    for (size_t y = 0; y < height; y++)
        rows[y] = row_cosines(feature, (int)y, given, lines + (size_t)omp_get_thread_num() * line);
    for (size_t y = 0; y < height; y++)
        *sum += rows[y];
    free(rows);
}

static double hoyer(double sum, double squares, double values)
{
    const double root = sqrt(values);
    return squares > 0 && values > 1 ? (root - sum / sqrt(squares)) / (root - 1) : NAN;
}

static enum status measure(const struct features *f, int target, float threshold, struct target_metrics *metrics)
{
    const struct heat_grid grid = features_grid(f, target, 0, 0);
    const int channels = f->objective->channels[target], blocks = channels / 8; // the smaller block has more of them
    const double values = (double)grid.width * grid.height * channels;
    double *sums, sum = 0, squares = 0, above = 0, cosines;
    int active = 0;
    enum status rc;
    TRY(ALLOCATE(sums, 3 * channels + blocks, "for metrics"));
    double *inverse = sums + 2 * channels + blocks;
    TRY_OUT(features_sum(f, target, 2 * channels + blocks, add_channels, &threshold, sums));
    for (int c = 0; c < channels; c++) {
        sum += sums[c]; // no activation is negative: all are what a ReLU lets through, or the mean or the largest of such
        squares += sums[channels + c];
        inverse[c] = sums[channels + c] > 0 ? 1 / sqrt(sums[channels + c]) : 0;
        active += sums[channels + c] > 0;
    }
    for (int b = 0; b < blocks; b++)
        above += sums[2 * channels + b];
    TRY_OUT(features_sum(f, target, 1, add_cosines, inverse, &cosines));
    metrics->score = sum / values;
    metrics->sparsity = 1 - above / values;
    metrics->hoyer = hoyer(sum, squares, values);
    metrics->diversity = active > 1 ? 1 - (cosines - active) / ((double)active * (active - 1)) : NAN;
    metrics->diversity_seed = 1 - squares;
out:
    free(sums);
    return rc;
}

enum status metrics_measure(const struct features *f, const double *losses, struct target_metrics metrics[CONFIG_TARGETS_MAX])
{
    const double start = now();
    enum status rc = STATUS_OK;
    for (int t = 0; t < f->objective->count && rc == STATUS_OK; t++) {
        metrics[t].loss = losses[t];
        rc = measure(f, t, (float)f->objective->config->metrics.threshold, &metrics[t]);
    }
    timing_add(f->team->timing, PHASE_ATTRIBUTION, start, 0);
    return rc;
}
