// SPDX-License-Identifier: MIT
#include "worker/look/baselines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/team/row_exchange.h"
#include "worker/team/slab_blur.h"

static enum status make_room(struct team *team, const struct slab *picture, int margin, struct row_exchange **rows, struct slab *scratch,
                             struct slab *blurred)
{
    const int width = picture->width, height = picture->height;
    struct span *wanted;
    enum status rc;
    TRY(ALLOCATE(wanted, team->size, "for a blurred baseline"));
    for (int m = 0; m < team->size; m++)
        wanted[m] = tiling_grown(tiling_rows(height, team->size, m), margin, height);
    TRY_OUT(row_exchange_create(rows, team, width, height, wanted, 1));
    TRY_OUT(slab_create(scratch, width, height, wanted[team->rank]));
    rc = slab_create(blurred, width, height, picture->rows);
out:
    free(wanted);
    return rc;
}

// So much that nothing is left but colours and where they are.
static double sigma_for(const struct slab *picture)
{
    const int shorter = picture->width < picture->height ? picture->width : picture->height;
    return fmin(0.05 * shorter, 85); // slab_blur() reaches no further
}

static enum status make_blurred(struct team *team, const struct slab *picture, struct slab *blurred)
{
    const double sigma = sigma_for(picture);
    struct slab scratch = {0};
    struct row_exchange *rows = NULL;
    enum status rc;
    TRY_OUT(team_agree(team, make_room(team, picture, slab_blur_margin(sigma), &rows, &scratch, blurred)));
    TRY_OUT(row_exchange_begin(rows, picture));
    TRY_OUT(row_exchange_end(rows));
    struct slab wide = scratch;
    wide.data = row_exchange_values(rows, 0);
    slab_blur(&wide, &scratch, sigma);
    for (int c = 0; c < 3; c++)
        for (int y = blurred->rows.begin; y < blurred->rows.end; y++)
            memcpy(slab_row(blurred, c, y), slab_row(&wide, c, y), (size_t)blurred->width * sizeof *wide.data);
out:
    row_exchange_destroy(&rows);
    slab_destroy(&scratch);
    return rc;
}

enum status baselines_make(struct baselines *b, const struct image_job *job, const struct slab *picture)
{
    const struct config *config = job->objective->config;
    *b = (struct baselines){.blur_sigma = sigma_for(picture)};
    if (config_has_baseline(config, "black")) {
        struct slab *black = &b->slabs[b->count];
        b->kinds[b->count++] = BASELINE_BLACK;
        TRY(team_agree(job->team, slab_create(black, picture->width, picture->height, picture->rows)));
        slab_fill(black, -1);
    }
    if (config_has_baseline(config, "blurred")) {
        b->kinds[b->count] = BASELINE_BLURRED;
        TRY(make_blurred(job->team, picture, &b->slabs[b->count++]));
    }
    for (int i = 0; i < job->other_count && i < BASELINE_IMAGES_MAX; i++) {
        b->kinds[b->count] = BASELINE_IMAGE + i;
        b->slabs[b->count++] = job->others[i];
        job->others[i] = (struct slab){0};
    }
    return STATUS_OK;
}

void baselines_destroy(struct baselines *b)
{
    for (int i = 0; i < b->count; i++)
        slab_destroy(&b->slabs[i]);
    *b = (struct baselines){0};
}
