// SPDX-License-Identifier: MIT
#include "worker/look/cells.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/team/slab_sums.h"

struct cells cells_of(int width, int height)
{
    const int longer = width > height ? width : height, least = CELLS_MAX * TILING_BAND;
    const int side = TILING_BAND * ((longer + least - 1) / least);
    return (struct cells){.side = side,
                          .width = (width + side - 1) / side,
                          .height = (height + side - 1) / side,
                          .picture_width = width,
                          .picture_height = height};
}

// sums [cells->width] of a band's rows.
static void sum_band(const struct cells *cells, struct span rows, cells_row *row, const void *map, float *values, float *out)
{
    double sums[CELLS_MAX] = {0};
    for (int y = rows.begin; y < rows.end; y++) {
        row(map, y, values);
        for (int x = 0; x < cells->picture_width; x++)
            sums[x / cells->side] += values[x];
    }
    for (int x = 0; x < cells->width; x++)
        out[x] = (float)sums[x];
}

static int extent(int picture, int side, int cell)
{
    return picture - cell * side < side ? picture - cell * side : side;
}

enum status cells_means(const struct cells *cells, struct team *team, cells_row *row, const void *map, float *means)
{
    const struct span all = {0, cells->picture_height}, mine = tiling_rows(cells->picture_height, team->size, team->rank);
    const int bands = slab_bands(all), each = cells->side / TILING_BAND, first = mine.begin / TILING_BAND;
    float *sums = NULL, *values = NULL;
    enum status rc = ALLOCATE(sums, (size_t)bands * (size_t)cells->width, "for the cells of a map");
    if (rc == STATUS_OK)
        rc = ALLOCATE(values, (size_t)slab_bands(mine) * (size_t)cells->picture_width + 1, "for the cells of a map");
    TRY_OUT(team_agree(team, rc));
#pragma omp parallel for schedule(static)
    for (int b = 0; b < slab_bands(mine); b++)
        sum_band(cells, slab_band(mine, b), row, map, values + (size_t)b * (size_t)cells->picture_width,
                 sums + (size_t)(first + b) * (size_t)cells->width);
    TRY_OUT(team_exchange(team, sums, bands, cells->width));
    for (int i = 0; i < cells_count(cells); i++) {
        const int x = i % cells->width, y = i / cells->width;
        double sum = 0;
        for (int b = y * each; b < (y + 1) * each && b < bands; b++)
            sum += sums[(size_t)b * (size_t)cells->width + (size_t)x];
        means[i] = (float)(sum / extent(cells->picture_width, cells->side, x) / extent(cells->picture_height, cells->side, y));
    }
out:
    free(sums);
    free(values);
    return rc;
}

// A cell with what it is sorted by.
struct ranked {
    float value, tie;
    int number;
};

static int by_value(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? 1 : -1;
    if (x->tie != y->tie)
        return x->tie < y->tie ? 1 : -1;
    return x->number - y->number;
}

// Values of one map that differ by rounding alone are equal: those of a cell at the border are sums of fewer pixels.
static void rank_all(const struct cells *cells, const float *values, const float *ties, struct ranked *ranked)
{
    float most = 0;
    for (int i = 0; i < cells_count(cells); i++)
        most = fmaxf(most, fabsf(values[i]));
    for (int i = 0; i < cells_count(cells); i++) {
        const float value = most > 0 ? rintf(values[i] / most * CELLS_LEVELS) : values[i];
        ranked[i] = (struct ranked){.value = isnan(value) ? -INFINITY : value, .tie = ties ? ties[i] : 0, .number = i};
    }
    qsort(ranked, (size_t)cells_count(cells), sizeof *ranked, by_value);
}

void cells_order(const struct cells *cells, const float *values, const float *ties, int *order)
{
    struct ranked ranked[CELLS_MAX * CELLS_MAX];
    rank_all(cells, values, ties, ranked);
    for (int i = 0; i < cells_count(cells); i++)
        order[i] = ranked[i].number;
}

// Between the middles of two cells, `first` and the next one of `count`, lies pixel `at`; *part: how far on the way.
static int between(int at, int side, int count, float *part)
{
    const float place = ((float)at + 0.5f) / (float)side - 0.5f;
    const int first = place < 0 ? 0 : place >= (float)(count - 1) ? count - 1 : (int)place;
    *part = first == count - 1 || place < 0 ? 0 : place - (float)first;
    return first;
}

// One row: to = outside + chosen * (inside - outside), `chosen` [cells->width] enlarged.
static void mix_row(const struct cells *cells, const float *chosen, const float *inside, const float *outside, float *to)
{
    for (int x = 0; x < cells->picture_width; x++) {
        float part;
        const int cell = between(x, cells->side, cells->width, &part);
        const float left = chosen[cell], right = part > 0 ? chosen[cell + 1] : left, much = left + part * (right - left);
        to[x] = outside[x] + much * (inside[x] - outside[x]);
    }
}

void cells_compose(const struct cells *cells, const int *order, int count, const struct slab *inside, const struct slab *outside,
                   struct slab *to)
{
    float chosen[CELLS_MAX * CELLS_MAX] = {0};
    for (int i = 0; i < count; i++)
        chosen[order[i]] = 1;
#pragma omp parallel for schedule(static)
    for (int y = to->rows.begin; y < to->rows.end; y++) {
        float part, here[CELLS_MAX] = {0};
        const float *above = chosen + between(y, cells->side, cells->height, &part) * cells->width;
        for (int x = 0; x < cells->width; x++)
            here[x] = part > 0 ? above[x] + part * (above[cells->width + x] - above[x]) : above[x];
        for (int c = 0; c < 3; c++)
            mix_row(cells, here, slab_row(inside, c, y), slab_row(outside, c, y), slab_row(to, c, y));
    }
}

// Of equal values the mean of their ranks.
static void find_ranks(const struct cells *cells, const float *values, double *ranks)
{
    struct ranked ranked[CELLS_MAX * CELLS_MAX];
    const int count = cells_count(cells);
    rank_all(cells, values, NULL, ranked);
    for (int i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && ranked[end].value == ranked[i].value;)
            end++;
        for (int k = i; k < end; k++)
            ranks[ranked[k].number] = (i + end - 1) / 2.0;
    }
}

double cells_correlation(const struct cells *cells, const float *a, const float *b)
{
    double x[CELLS_MAX * CELLS_MAX], y[CELLS_MAX * CELLS_MAX], products = 0, squares_x = 0, squares_y = 0;
    const int count = cells_count(cells);
    const double mean = (count - 1) / 2.0;
    find_ranks(cells, a, x);
    find_ranks(cells, b, y);
    for (int i = 0; i < count; i++) {
        products += (x[i] - mean) * (y[i] - mean);
        squares_x += (x[i] - mean) * (x[i] - mean);
        squares_y += (y[i] - mean) * (y[i] - mean);
    }
    return products / sqrt(squares_x * squares_y);
}
