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

void slab_clip(struct slab *slab)
{
    const size_t count = slab_count(slab);
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++)
        slab->data[i] = slab->data[i] < -1 ? -1 : slab->data[i] > 1 ? 1 : slab->data[i];
}
