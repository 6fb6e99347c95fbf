// SPDX-License-Identifier: MIT
#include "worker/look/baselines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/ascent/shaping.h"
#include "worker/team/row_exchange.h"

static enum status make_black(const struct slab *picture, struct slab *black)
{
    TRY(slab_create(black, picture->width, picture->height, picture->rows));
    for (size_t i = 0; i < slab_count(black); i++)
        black->data[i] = -1;
    return STATUS_OK;
}

static struct span grown(struct span rows, int by, int height)
{
    if (rows.begin >= rows.end)
        return rows;
    return (struct span){rows.begin > by ? rows.begin - by : 0, rows.end + by < height ? rows.end + by : height};
}

static enum status make_room(struct team *team, const struct slab *picture, int margin, struct row_exchange **rows, struct slab *wide,
                             struct slab *scratch, struct slab *blurred)
{
    const struct span held = grown(picture->rows, margin, picture->height);
    struct span *wanted = calloc((size_t)team->size, sizeof *wanted);
    enum status rc;
    if (!wanted)
        return fail(STATUS_LIMIT, "no memory for a blurred baseline");
    for (int m = 0; m < team->size; m++)
        wanted[m] = grown(tiling_rows(picture->height, team->size, m), margin, picture->height);
    TRY_OUT(row_exchange_create(rows, team, picture->width, picture->height, wanted, 1));
    TRY_OUT(slab_create(wide, picture->width, picture->height, held));
    TRY_OUT(slab_create(scratch, picture->width, picture->height, held));
    rc = slab_create(blurred, picture->width, picture->height, picture->rows);
out:
    free(wanted);
    return rc;
}

// So much that nothing is left but colours and where they are.
static double sigma_for(const struct slab *picture)
{
    const int shorter = picture->width < picture->height ? picture->width : picture->height;
    return fmin(0.05 * shorter, 85); // shaping_smooth() reaches no further
}

static enum status make_blurred(struct team *team, const struct slab *picture, double sigma, struct slab *blurred)
{
    struct slab wide = {0}, scratch = {0};
    struct row_exchange *rows = NULL;
    enum status rc;
    TRY_OUT(team_agree(team, make_room(team, picture, shaping_margin(sigma), &rows, &wide, &scratch, blurred)));
    TRY_OUT(row_exchange_begin(rows, picture));
    TRY_OUT(row_exchange_end(rows));
    if (slab_count(&wide) > 0)
        memcpy(wide.data, row_exchange_values(rows, 0), slab_count(&wide) * sizeof *wide.data);
    shaping_smooth(&wide, &scratch, sigma);
    for (int c = 0; c < 3; c++)
        for (int y = blurred->rows.begin; y < blurred->rows.end; y++)
            memcpy(slab_row(blurred, c, y), slab_row(&wide, c, y), (size_t)blurred->width * sizeof *wide.data);
out:
    row_exchange_destroy(&rows);
    slab_destroy(&wide);
    slab_destroy(&scratch);
    return rc;
}

enum status baselines_make(struct baselines *b, const struct config *config, struct team *team, const struct slab *picture,
                           struct slab *images, int image_count)
{
    *b = (struct baselines){.blur_sigma = sigma_for(picture)};
    if (config_has_baseline(config, "black")) {
        b->kinds[b->count] = BASELINE_BLACK;
        TRY(team_agree(team, make_black(picture, &b->fields[b->count++])));
    }
    if (config_has_baseline(config, "blurred")) {
        b->kinds[b->count] = BASELINE_BLURRED;
        TRY(make_blurred(team, picture, b->blur_sigma, &b->fields[b->count++]));
    }
    for (int i = 0; i < image_count && i < BASELINE_IMAGES_MAX; i++) {
        b->kinds[b->count] = BASELINE_IMAGE + i;
        b->fields[b->count++] = images[i];
        images[i] = (struct slab){0};
    }
    return STATUS_OK;
}

void baselines_destroy(struct baselines *b)
{
    for (int i = 0; i < b->count; i++)
        slab_destroy(&b->fields[i]);
    *b = (struct baselines){0};
}
