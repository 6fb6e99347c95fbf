// SPDX-License-Identifier: MIT
#include "worker/team/slab_pyramid.h"

#include <assert.h>
#include <omp.h>
#include <stdlib.h>

#include "worker/team/slab_sums.h"

enum { PAD = 2 }; // values to both sides of a line

struct slab_pyramid {
    int bands;
    struct slab levels[SLAB_PYRAMID_MAX]; // levels[0] is the slab that is split
    float *lines;                         // (threads, width + 2 PAD)
};

int slab_pyramid_margin(int bands)
{
    return bands < 2 ? 0 : 4 << (bands - 1); // two rows of each level on the way down, and two on the way up
}

// Rows of the next level for which all is there.
static struct span next_rows(struct span rows, int height)
{
    const struct span next = {rows.begin == 0 ? 0 : (rows.begin + 3) / 2, rows.end == height ? (height + 1) / 2 : (rows.end - 1) / 2};
    return next.begin < next.end ? next : (struct span){0, 0};
}

enum status slab_pyramid_create(struct slab_pyramid **pyramid, int width, int height, struct span rows, int bands)
{
    TRY(ALLOCATE(*pyramid, 1, "for a pyramid"));
    struct slab_pyramid *p = *pyramid;
    p->bands = bands;
    p->levels[0] = (struct slab){.width = width, .height = height, .rows = rows};
    for (int l = 1; l < bands; l++) {
        const struct slab *finer = &p->levels[l - 1];
        TRY(slab_create(&p->levels[l], (finer->width + 1) / 2, (finer->height + 1) / 2, next_rows(finer->rows, finer->height)));
    }
    return ALLOCATE(p->lines, (size_t)omp_get_max_threads() * (size_t)(width + 2 * PAD), "for a pyramid");
}

void slab_pyramid_destroy(struct slab_pyramid **pyramid)
{
    struct slab_pyramid *p = *pyramid;
    if (!p)
        return;
    for (int l = 1; l < p->bands; l++)
        slab_destroy(&p->levels[l]);
    free(p->lines);
    free(p);
    *pyramid = NULL;
}

// This thread's line, from its first value behind the padding.
static float *line_of(const struct slab_pyramid *p)
{
    return p->lines + (size_t)omp_get_thread_num() * (size_t)(p->levels[0].width + 2 * PAD) + PAD;
}

static void pad(float *line, int width)
{
    for (int k = 1; k <= PAD; k++) {
        line[-k] = line[0];
        line[width - 1 + k] = line[width - 1];
    }
}

static int clamped(int i, int begin, int end)
{
    return i < begin ? begin : i >= end ? end - 1 : i;
}

// (1 4 6 4 1) / 16
static inline float blurred(float a, float b, float c, float d, float e)
{
    return 0.0625f * (a + e) + 0.25f * (b + d) + 0.375f * c;
}

static void shrink_row(const struct slab *finer, int c, int y, float *restrict line, float *restrict out)
{
    const float *in[5];
    for (int k = 0; k < 5; k++)
        in[k] = slab_row(finer, c, clamped(2 * y + k - 2, 0, finer->height));
    for (int x = 0; x < finer->width; x++)
        line[x] = blurred(in[0][x], in[1][x], in[2][x], in[3][x], in[4][x]);
    pad(line, finer->width);
    for (int x = 0; x < (finer->width + 1) / 2; x++)
        out[x] = blurred(line[2 * x - 2], line[2 * x - 1], line[2 * x], line[2 * x + 1], line[2 * x + 2]);
}

static void shrink(const struct slab_pyramid *p, int level)
{
    const struct slab *finer = &p->levels[level - 1], *to = &p->levels[level];
#pragma omp parallel for collapse(2) schedule(static)
    for (int c = 0; c < 3; c++)
        for (int y = to->rows.begin; y < to->rows.end; y++)
            shrink_row(finer, c, y, line_of(p), slab_row(to, c, y));
}

// Enlarged, even places lie on a value of the coarser level, odd ones between two.
static inline float even(float a, float b, float c)
{
    return 0.125f * (a + c) + 0.75f * b;
}

static inline float odd(float a, float b)
{
    return 0.5f * (a + b);
}

// row = by * row + scale * the coarser level, enlarged
static void mix_row(const struct slab *coarser, int c, int y, int width, float by, float scale, float *restrict line, float *restrict row)
{
    const float *in[3]; // what a member does not hold is the nearest that it does, where the result is undefined anyway
    for (int k = 0; k < 3; k++)
        in[k] = slab_row(coarser, c, clamped(y / 2 + k - 1, coarser->rows.begin, coarser->rows.end));
    for (int x = 0; x < coarser->width; x++)
        line[x] = scale * (y % 2 ? odd(in[1][x], in[2][x]) : even(in[0][x], in[1][x], in[2][x]));
    pad(line, coarser->width);
    for (int x = 0; x < width / 2; x++) {
        row[2 * x] = by * row[2 * x] + even(line[x - 1], line[x], line[x + 1]);
        row[2 * x + 1] = by * row[2 * x + 1] + odd(line[x], line[x + 1]);
    }
    if (width % 2)
        row[width - 1] = by * row[width - 1] + even(line[width / 2 - 1], line[width / 2], line[width / 2 + 1]);
}

// level = by * level + scale * the next one, enlarged
static void mix(const struct slab_pyramid *p, int level, float by, float scale)
{
    const struct slab *to = &p->levels[level], *coarser = &p->levels[level + 1];
    if (coarser->rows.begin >= coarser->rows.end)
        return;
#pragma omp parallel for collapse(2) schedule(static)
    for (int c = 0; c < 3; c++)
        for (int y = to->rows.begin; y < to->rows.end; y++)
            mix_row(coarser, c, y, to->width, by, scale, line_of(p), slab_row(to, c, y));
}

static double squares(const struct slab *level, struct span rows)
{
    double sum = 0;
    for (int c = 0; c < 3; c++)
        for (int y = rows.begin; y < rows.end; y++)
            sum += slab_row_squares(slab_row(level, c, y), level->width);
    return sum;
}

void slab_pyramid_split(struct slab_pyramid *p, struct slab *slab, struct span rows, double *sums, int stride)
{
    assert(slab->width == p->levels[0].width && slab->rows.begin == p->levels[0].rows.begin && slab->rows.end == p->levels[0].rows.end);
    p->levels[0].data = slab->data;
    for (int l = 1; l < p->bands; l++)
        shrink(p, l);
    for (int l = 0; l < p->bands - 1; l++)
        mix(p, l, 1, -1);
#pragma omp parallel for schedule(dynamic)
    for (int band = 0; band < slab_bands(rows); band++)
        for (int l = 0; l < p->bands; l++) {
            const struct span full = slab_band(rows, band), part = {full.begin >> l, (full.end + (1 << l) - 1) >> l};
            sums[band * stride + l] = squares(&p->levels[l], part);
        }
}

double slab_pyramid_count(const struct slab_pyramid *p, int band)
{
    return 3.0 * p->levels[band].width * p->levels[band].height;
}

void slab_pyramid_join(const struct slab_pyramid *p, const float *scales)
{
    const int last = p->bands - 1;
    for (int l = last - 1; l >= 0; l--)
        mix(p, l, scales[l], l == last - 1 ? scales[last] : 1);
}
