// SPDX-License-Identifier: MIT
#include "worker/look/peaks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/clock.h"

typedef float peak[PEAK_NUMBERS];

static void begin(peak *peaks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        peaks[i][PEAK_VALUE] = NAN;
        peaks[i][PEAK_Y] = peaks[i][PEAK_X] = -1;
    }
}

// Of equal values the first, row by row. NaN is less than any.
static bool is_higher(const float *a, const float *b)
{
    if (isnan(a[PEAK_VALUE]) || isnan(b[PEAK_VALUE]))
        return isnan(b[PEAK_VALUE]) && !isnan(a[PEAK_VALUE]);
    if (a[PEAK_VALUE] != b[PEAK_VALUE])
        return a[PEAK_VALUE] > b[PEAK_VALUE];
    return a[PEAK_Y] != b[PEAK_Y] ? a[PEAK_Y] < b[PEAK_Y] : a[PEAK_X] < b[PEAK_X];
}

// Of one block of channels in one tile, whose places come row by row.
static void look_at_block(const struct feature *feature, int block, peak (*peaks)[PEAK_KINDS])
{
    const size_t lanes = (size_t)feature->block, width = (size_t)feature->at.width, positions = width * (size_t)feature->at.height;
    const float *a = feature->activation + (size_t)block * positions * lanes, *g = feature->gradient + (size_t)block * positions * lanes;
    float best[PEAK_KINDS][ONEDNN_BLOCK_MAX];
    int32_t places[PEAK_KINDS][ONEDNN_BLOCK_MAX];
    for (int k = 0; k < PEAK_KINDS; k++)
        for (size_t c = 0; c < lanes; c++) {
            best[k][c] = -INFINITY;
            places[k][c] = -1;
        }
    for (size_t p = 0; p < positions; p++, a += lanes, g += lanes)
        for (size_t c = 0; c < lanes; c++) {
            const float values[PEAK_KINDS] = {a[c], a[c] * g[c]};
            for (int k = 0; k < PEAK_KINDS; k++) {
                const bool higher = values[k] > best[k][c];
                best[k][c] = higher ? values[k] : best[k][c];
                places[k][c] = higher ? (int32_t)p : places[k][c];
            }
        }
    for (size_t c = 0; c < lanes; c++)
        for (int k = 0; k < PEAK_KINDS; k++) {
            float *to = peaks[(size_t)block * lanes + c][k];
            if (places[k][c] < 0)
                continue;
            to[PEAK_VALUE] = best[k][c];
            to[PEAK_Y] = (float)(feature->at.y + places[k][c] / (int32_t)width);
            to[PEAK_X] = (float)(feature->at.x + places[k][c] % (int32_t)width);
        }
}

enum status peaks_find(const struct features *f, int target, float *peaks)
{
    const double start = now();
    const int tiles = tiling_count(f->tiling), channels = f->objective->channels[target], room = channels * PEAK_KINDS * PEAK_NUMBERS;
    float *parts;
    TRY(ALLOCATE(parts, (size_t)tiles * (size_t)room, "for what excites %d channels most", channels));
    begin((peak *)parts, (size_t)tiles * (size_t)channels * PEAK_KINDS);
    for (int i = f->mine.begin; i < f->mine.end; i++) {
        const struct feature *feature = features_at(f, i, target);
        peak(*of_tile)[PEAK_KINDS] = (peak(*)[PEAK_KINDS])(parts + (size_t)i * (size_t)room);
#pragma omp parallel for schedule(static)
        for (int b = 0; b < channels / feature->block; b++)
            look_at_block(feature, b, of_tile);
    }
    const enum status rc = team_exchange(f->team, parts, tiles, room);
    begin((peak *)peaks, (size_t)channels * PEAK_KINDS);
    for (int i = 0; i < tiles && rc == STATUS_OK; i++) {
        const float *of_tile = parts + (size_t)i * (size_t)room;
        for (int k = 0; k < room; k += PEAK_NUMBERS)
            if (is_higher(of_tile + k, peaks + k))
                memcpy(peaks + k, of_tile + k, sizeof(peak));
    }
    free(parts);
    timing_add(f->team->timing, PHASE_ATTRIBUTION, start, 0);
    return rc;
}
