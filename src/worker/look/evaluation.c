// SPDX-License-Identifier: MIT
#include "worker/look/evaluation.h"

#include <math.h>
#include <stdlib.h>

#include "worker/ascent/shaping.h"
#include "worker/look/cam.h"
#include "worker/look/importance.h"
#include "worker/look/metrics.h"
#include "worker/team/row_exchange.h"

void evaluation_destroy(struct evaluation *evaluation)
{
    heat_destroy(&evaluation->cam);
    for (int t = 0; t < CONFIG_TARGETS_MAX; t++)
        free(evaluation->importance[t]);
    *evaluation = (struct evaluation){0};
}

// Total variation, and the distance to the original.
static enum status compare(struct team *team, const struct slab *picture, const struct slab *original, struct picture_metrics *metrics,
                           bool *flag)
{
    enum { TOTAL_VARIATION, SQUARED_ERROR, SUMS };
    const int bands = shaping_bands(picture->rows);
    const double samples = 3.0 * picture->width * picture->height;
    struct row_exchange *neighbours = NULL;
    struct span *shares = calloc((size_t)team->size, sizeof *shares);
    double *variation = calloc((size_t)bands + 1, sizeof *variation), *error = calloc((size_t)bands + 1, sizeof *error);
    double(*items)[SUMS] = calloc((size_t)bands + 1, sizeof *items), sums[SUMS];
    enum status rc = STATUS_OK;
    if (!shares || !variation || !error || !items)
        rc = fail(STATUS_LIMIT, "no memory for the sums of a picture");
    else
        rc = row_exchange_create_neighbours(&neighbours, team, picture->width, picture->height);
    TRY_OUT(team_agree(team, rc));
    TRY_OUT(row_exchange_begin(neighbours, picture));
    TRY_OUT(row_exchange_end(neighbours));
    shaping_total_variation(picture, row_exchange_values(neighbours, 1), variation);
    if (original)
        shaping_squared_error(picture, original, error);
    for (int b = 0; b < bands; b++) {
        items[b][TOTAL_VARIATION] = variation[b];
        items[b][SQUARED_ERROR] = error[b];
    }
    shaping_shares(picture->height, team->size, shares);
    TRY_OUT(team_sum(team, items[0], shares, SUMS, sums, flag));
    metrics->total_variation = sums[TOTAL_VARIATION] / samples;
    metrics->psnr = shaping_psnr(sums[SQUARED_ERROR], samples);
out:
    row_exchange_destroy(&neighbours);
    free(shares);
    free(variation);
    free(error);
    free(items);
    return rc;
}

static enum status explain(const struct features *features, struct evaluation *e)
{
    const struct objective *objective = features->objective;
    TRY(cam_make(features, cam_target(objective), objective->config->cam.method, 0, 0, &e->cam, &e->cam_scale));
    for (int t = 0; t < objective->count; t++) {
        e->importance[t] = malloc((size_t)objective->channels[t] * sizeof *e->importance[t]);
        if (!e->importance[t]) {
            return fail(STATUS_LIMIT, "no memory for the importance of channels");
        }
        TRY(importance_gradient_activation(features, t, e->importance[t]));
    }
    return STATUS_OK;
}

enum status evaluate(struct sweep *sweep, struct team *team, const struct objective *objective, const struct slab *picture,
                     const struct slab *original, bool why, struct evaluation *e, bool *flag)
{
    const unsigned all = (1u << objective->count) - 1;
    struct features features = {0};
    struct sweep_losses losses;
    enum status rc;
    *e = (struct evaluation){0};
    for (int t = 0; t < CONFIG_TARGETS_MAX; t++)
        e->expectations[t] = (struct expectation){NAN, NAN, NAN};
    TRY_OUT(team_agree(team, features_create(&features, objective, team, sweep_tiling(sweep), sweep_work(sweep), why ? all : 0)));
    const struct sweep_pass pass = {.image = picture, .objective = objective, .rule = GRADIENT_PLAIN, .features = &features};
    TRY_OUT(sweep_run(sweep, &pass, &losses, flag));
    TRY_OUT(metrics_measure(&features, objective->config->metrics.threshold, e->metrics.targets));
    e->metrics.loss = losses.total;
    for (int t = 0; t < objective->count; t++)
        e->metrics.targets[t].loss = losses.targets[t];
    TRY_OUT(compare(team, picture, original, &e->metrics, flag));
    if (why)
        rc = explain(&features, e);
out:
    features_destroy(&features);
    return rc;
}
