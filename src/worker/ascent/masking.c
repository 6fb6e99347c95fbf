// SPDX-License-Identifier: MIT
#include "worker/ascent/masking.h"

#include <assert.h>
#include <stdlib.h>

// factors *= 1 where the pace is black, `haste` where it is white.
static enum status multiply_pace(struct masking *masking, const struct image_job *job, const struct slab *like)
{
    const size_t count = slab_plane(like);
    float *pace;
    TRY(ALLOCATE(pace, count + 1, "for the pace of an octave of %d x %d pixels", like->width, like->height));
    const enum status rc = mask_rows(job->pace, like->width, like->height, like->rows, pace);
    for (size_t i = 0; rc == STATUS_OK && i < count; i++)
        masking->factors[i] *= 1 + (job->haste - 1) * pace[i];
    free(pace);
    return rc;
}

enum status masking_create(struct masking *masking, const struct image_job *job, const struct slab *like)
{
    const size_t count = slab_plane(like);
    *masking = (struct masking){.width = like->width, .rows = like->rows};
    if (!job->mask && !job->pace)
        return STATUS_OK;
    enum status rc = ALLOCATE(masking->factors, count + 1, "for the mask of an octave of %d x %d pixels", like->width, like->height);
    if (rc == STATUS_OK && job->mask)
        rc = mask_rows(job->mask, like->width, like->height, like->rows, masking->factors);
    for (size_t i = 0; rc == STATUS_OK && !job->mask && i < count; i++)
        masking->factors[i] = 1;
    if (rc == STATUS_OK && job->pace)
        rc = multiply_pace(masking, job, like);
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
