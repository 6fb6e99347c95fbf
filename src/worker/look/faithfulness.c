// SPDX-License-Identifier: MIT
#include "worker/look/faithfulness.h"

#include <math.h>

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

enum status faithfulness_begin(struct faithfulness *f)
{
    TRY(find_loss(f, f->picture, &f->whole));
    return find_loss(f, f->blurred, &f->none);
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
        curve[k] = !(f->whole > f->none) ? NAN : (float)((loss - f->none) / (f->whole - f->none));
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
    TRY(trace(f, order, f->blurred, f->picture, deletion));
    TRY(trace(f, order, f->picture, f->blurred, insertion));
    curves->deletion_area = area_of(f, deletion);
    curves->insertion_area = area_of(f, insertion);
    return STATUS_OK;
}

double faithfulness_passes(int maps, int steps)
{
    return PASS * (2 + maps * 2 * (steps - 1.0));
}
