// SPDX-License-Identifier: MIT
#include "worker/team/slab.h"

#include <stdlib.h>
#include <string.h>

enum status slab_create(struct slab *slab, int width, int height, struct span rows)
{
    *slab = (struct slab){.width = width, .height = height, .rows = rows};
    const size_t bytes = slab_count(slab) * sizeof(float);
    slab->data = malloc(bytes ? bytes : 1);
    if (slab->data)
        return STATUS_OK;
    *slab = (struct slab){0};
    return fail(STATUS_LIMIT, "no memory for %d rows of an octave of %d x %d pixels", rows.end - rows.begin, width, height);
}

enum status slab_copy(struct slab *slab, const struct slab *from)
{
    TRY(slab_create(slab, from->width, from->height, from->rows));
    memcpy(slab->data, from->data, slab_count(from) * sizeof *from->data);
    return STATUS_OK;
}

void slab_destroy(struct slab *slab)
{
    free(slab->data);
    *slab = (struct slab){0};
}

void slab_fill(struct slab *slab, float value)
{
    const size_t count = slab_count(slab);
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++)
        slab->data[i] = value;
}

void slab_add(struct slab *to, const struct slab *from, float scale)
{
    const size_t count = slab_count(to);
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++)
        to->data[i] += scale * from->data[i];
}

static inline float clipped(float value)
{
    return value < -1 ? -1 : value > 1 ? 1 : value;
}

static inline float least(float a, float b)
{
    return a < b ? a : b;
}

static inline float most(float a, float b)
{
    return a > b ? a : b;
}

void slab_clip_row(struct slab *slab, int y, bool colours)
{
    float *restrict red = slab_row(slab, 0, y), *restrict green = slab_row(slab, 1, y), *restrict blue = slab_row(slab, 2, y);
    for (int x = 0; colours && x < slab->width; x++) {
        const float r = red[x], g = green[x], b = blue[x], high = most(r, most(g, b)), low = least(r, least(g, b));
        const float light = clipped(0.299f * r + 0.587f * g + 0.114f * b);
        const float paler = high > 1 ? (1 - light) / (high - light) : 1, darker = low < -1 ? (-1 - light) / (low - light) : 1;
        const float share = least(paler, darker);
        red[x] = share < 1 ? light + share * (r - light) : r;
        green[x] = share < 1 ? light + share * (g - light) : g;
        blue[x] = share < 1 ? light + share * (b - light) : b;
    }
    for (int x = 0; x < slab->width; x++) {
        red[x] = clipped(red[x]);
        green[x] = clipped(green[x]);
        blue[x] = clipped(blue[x]);
    }
}

void slab_clip(struct slab *slab, bool colours)
{
#pragma omp parallel for schedule(static)
    for (int y = slab->rows.begin; y < slab->rows.end; y++)
        slab_clip_row(slab, y, colours);
}
