// SPDX-License-Identifier: MIT
#include "worker/ascent/masking.h"

#include <assert.h>
#include <stdlib.h>

enum status masking_create(struct masking *masking, const struct mask *mask, const struct slab *like)
{
    *masking = (struct masking){.width = like->width, .rows = like->rows};
    if (!mask)
        return STATUS_OK;
    enum status rc =
        ALLOCATE(masking->factors, slab_plane(like) + 1, "for the mask of an octave of %d x %d pixels", like->width, like->height);
    if (rc == STATUS_OK)
        rc = mask_rows(mask, like->width, like->height, like->rows, masking->factors);
    if (rc != STATUS_OK)
        masking_destroy(masking);
    return rc;
}

void masking_destroy(struct masking *masking)
{
    free(masking->factors);
    *masking = (struct masking){0};
}

static const float *row_of(const struct masking *masking, int y)
{
    return masking->factors + (size_t)(y - masking->rows.begin) * (size_t)masking->width;
}

void masking_weaken(const struct masking *masking, struct slab *gradient)
{
    if (!masking->factors)
        return;
    assert(gradient->width == masking->width);
#pragma omp parallel for collapse(2) schedule(static)
    for (int c = 0; c < 3; c++)
        for (int y = masking->rows.begin; y < masking->rows.end; y++) {
            const float *factors = row_of(masking, y);
            float *restrict row = slab_row(gradient, c, y);
            for (int x = 0; x < masking->width; x++)
                row[x] *= factors[x];
        }
}

void masking_restore(const struct masking *masking, struct slab *image, const struct slab *original)
{
    if (!masking->factors)
        return;
    assert(image->width == masking->width && image->rows.begin == masking->rows.begin && image->rows.end == masking->rows.end);
#pragma omp parallel for collapse(2) schedule(static)
    for (int c = 0; c < 3; c++)
        for (int y = masking->rows.begin; y < masking->rows.end; y++) {
            const float *factors = row_of(masking, y), *from = original ? slab_row(original, c, y) : NULL;
            float *restrict row = slab_row(image, c, y);
            for (int x = 0; x < masking->width; x++)
                if (factors[x] == 0)
                    row[x] = from ? from[x] : 0;
        }
}
