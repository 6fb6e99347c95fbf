// SPDX-License-Identifier: MIT
#include "worker/look/faithfulness.h"

#include <math.h>
#include <stdlib.h>

#include "worker/team/slab_sums.h"

static const double PASS = 0.4; // a pass forward, of one there and back

static enum status find_loss(struct faithfulness *f, const struct slab *picture, double *loss)
{
    struct sweep_losses losses;
    image_job_ask(f->job);
    TRY(sweep_run(f->sweep, &(struct sweep_pass){.image = picture, .rule = {.mode = GRADIENT_MODE_PLAIN}}, &losses));
    if (f->passed)
        f->passed(f->context, PASS);
    *loss = losses.total;
    return STATUS_OK;
}

// Band by band, so that it does not depend on the team.
static enum status fill_flat(struct faithfulness *f)
{
    const struct slab *picture = f->picture;
    double(*bands)[3], sums[3];
    enum status rc = ALLOCATE(bands, (size_t)slab_bands(picture->rows) + 1, "for the mean colour of a picture");
    TRY_OUT(team_agree(f->job->team, rc));
    for (int b = 0; b < slab_bands(picture->rows); b++) {
        const struct span rows = slab_band(picture->rows, b);
        for (int c = 0; c < 3; c++)
            for (int y = rows.begin; y < rows.end; y++)
                for (int x = 0; x < picture->width; x++)
                    bands[b][c] += (double)slab_row(picture, c, y)[x];
    }
    TRY_OUT(team_sum(f->job->team, bands[0], slab_bands((struct span){0, picture->height}), 3, sums, NULL));
    for (int c = 0; c < 3; c++)
        for (int y = f->flat->rows.begin; y < f->flat->rows.end; y++)
            for (int x = 0; x < f->flat->width; x++)
                slab_row(f->flat, c, y)[x] = (float)(sums[c] / ((double)picture->width * picture->height));
out:
    free(bands);
    return rc;
}

enum status faithfulness_begin(struct faithfulness *f)
{
    TRY(fill_flat(f));
    TRY(find_loss(f, f->picture, &f->whole));
    return find_loss(f, f->flat, &f->none);
}

static int cells_at(const struct faithfulness *f, int step)
{
    return (int)lround((double)step * cells_count(&f->cells) / f->steps);
}

// The ends are known.
static enum status trace(struct faithfulness *f, const int *order, const struct slab *inside, const struct slab *outside, float *curve)
{
    for (int k = 0; k <= f->steps; k++) {
        double loss = (k == 0) == (outside == f->picture) ? f->whole : f->none;
        if (k > 0 && k < f->steps && !f->job->stopping) {
            cells_compose(&f->cells, order, cells_at(f, k), inside, outside, f->mixed);
            TRY(find_loss(f, f->mixed, &loss));
        }
        curve[k] = f->whole > 0 ? (float)(loss / f->whole) : NAN;
    }
    return STATUS_OK;
}

static double area_of(const struct faithfulness *f, const float *curve)
{
    double area = 0;
    for (int k = 1; k <= f->steps; k++)
        area += ((double)curve[k - 1] + curve[k]) / 2 * (cells_at(f, k) - cells_at(f, k - 1));
    return area / cells_count(&f->cells);
}

enum status faithfulness_measure(struct faithfulness *f, const struct map_list *maps, int map, struct faithfulness_curves *curves)
{
    const struct listed_map *random = map_list_find(maps, EXPLAINED_RANDOM, -1);
    int order[CELLS_MAX * CELLS_MAX];
    float *deletion = curves->values, *insertion = curves->values + f->steps + 1;
    cells_order(&f->cells, maps->items[map].values, random ? random->values : NULL, order);
    TRY(trace(f, order, f->flat, f->picture, deletion));
    TRY(trace(f, order, f->picture, f->flat, insertion));
    curves->deletion_area = area_of(f, deletion);
    curves->insertion_area = area_of(f, insertion);
    return STATUS_OK;
}

double faithfulness_passes(int maps, int steps)
{
    return PASS * (2 + maps * 2 * (steps - 1.0));
}
