// SPDX-License-Identifier: MIT
#include "worker/look/evaluation.h"

#include <math.h>
#include <stdlib.h>

#include "worker/look/cam.h"
#include "worker/look/choice.h"
#include "worker/look/importance.h"
#include "worker/look/metrics.h"
#include "worker/look/peaks.h"
#include "worker/team/row_exchange.h"
#include "worker/team/slab_sums.h"

void evaluation_destroy(struct evaluation *evaluation)
{
    heat_destroy(&evaluation->cam);
    for (int t = 0; t < CONFIG_TARGETS_MAX; t++) {
        free(evaluation->importance[t]);
        free(evaluation->peaks[t]);
    }
    *evaluation = (struct evaluation){0};
}

// Total variation, and the distance to the original.
static enum status compare(struct image_job *job, const struct slab *picture, const struct slab *original, struct picture_metrics *metrics)
{
    enum { TOTAL_VARIATION, SQUARED_ERROR, SUMS };
    const double samples = 3.0 * picture->width * picture->height;
    struct row_exchange *neighbours = NULL;
    double(*bands)[SUMS], sums[SUMS];
    enum status rc = ALLOCATE(bands, slab_bands(picture->rows) + 1, "for the sums of a picture");
    if (rc == STATUS_OK)
        rc = row_exchange_create_neighbours(&neighbours, job->team, picture->width, picture->height);
    TRY_OUT(team_agree(job->team, rc));
    TRY_OUT(row_exchange_begin(neighbours, picture));
    TRY_OUT(row_exchange_end(neighbours));
    slab_total_variation(picture, row_exchange_values(neighbours, 1), &bands[0][TOTAL_VARIATION], SUMS);
    if (original)
        slab_squared_error(picture, original, &bands[0][SQUARED_ERROR], SUMS);
    TRY_OUT(team_sum(job->team, bands[0], slab_bands((struct span){0, picture->height}), SUMS, sums, &job->stopping));
    metrics->total_variation = sums[TOTAL_VARIATION] / samples;
    metrics->psnr = slab_psnr(sums[SQUARED_ERROR], samples);
out:
    row_exchange_destroy(&neighbours);
    free(bands);
    return rc;
}

static enum status find_why(const struct image_job *job, const struct features *features, int map, struct evaluation *e)
{
    const struct objective *objective = features->objective;
    TRY(cam_make(features, map, objective->config->cam.method, 0, 0, &e->cam, &e->cam_scale));
    for (int t = 0; t < objective->count; t++) {
        TRY(ALLOCATE(e->importance[t], (size_t)objective->channels[t], "for the importance of channels"));
        TRY(importance_gradient_activation(features, t, e->importance[t]));
        if (!job->peaks)
            continue;
        TRY(ALLOCATE(e->peaks[t], (size_t)objective->channels[t] * PEAK_KINDS * PEAK_NUMBERS, "for what excites channels most"));
        TRY(peaks_find(features, t, e->peaks[t]));
    }
    return STATUS_OK;
}

enum status evaluate(struct sweep *sweep, struct image_job *job, const struct slab *picture, const struct slab *original, int map,
                     struct evaluation *e)
{
    const unsigned gradients = map >= 0 ? (1u << job->objective->count) - 1 : 0;
    struct features features = {0};
    struct sweep_losses losses;
    enum status rc;
    *e = (struct evaluation){0};
    for (int t = 0; t < CONFIG_TARGETS_MAX; t++)
        e->expectations[t] = (struct expectation){NAN, NAN, NAN};
    TRY_OUT(team_agree(job->team, features_create(&features, job->objective, job->team, sweep_tiling(sweep), gradients)));
    TRY_OUT(
        sweep_run(sweep, &(struct sweep_pass){.image = picture, .rule = {.mode = GRADIENT_MODE_PLAIN}, .features = &features}, &losses));
    TRY_OUT(metrics_measure(&features, losses.targets, e->metrics.targets));
    e->metrics.loss = losses.total;
    TRY_OUT(compare(job, picture, original, &e->metrics));
    if (map >= 0)
        rc = find_why(job, &features, map, e);
out:
    features_destroy(&features);
    return rc;
}

enum status evaluation_send(const struct evaluation *e, const struct image_job *job)
{
    const struct objective *objective = job->objective;
    for (int t = 0; t < objective->count && job->outbox && job->team->rank == 0; t++) {
        const struct expectation *expectation = &e->expectations[t];
        struct array_part part = {.image = job->image,
                                  .kind = ARRAY_IMPORTANCE,
                                  .target = t,
                                  .frame = -1,
                                  .facts = {expectation->value, expectation->expected, expectation->residual}};
        choice_mark(objective, t, e->importance[t]);
        TRY(outbox_send_whole(job->outbox, part, objective->channels[t], 1, 1, e->importance[t]));
        part.kind = ARRAY_PEAKS;
        if (e->peaks[t])
            TRY(outbox_send_whole(job->outbox, part, objective->channels[t], PEAK_KINDS, PEAK_NUMBERS, e->peaks[t]));
    }
    return STATUS_OK;
}
