// SPDX-License-Identifier: MIT
#include "worker/look/scan.h"

#include "common/system/clock.h"
#include "worker/look/cam.h"
#include "worker/look/evaluation.h"

static enum status look(struct image_job *job, struct sweep *sweep, const struct slab *picture, struct image_outcome *outcome)
{
    struct evaluation evaluation = {0};
    struct array_part map = {.image = job->image, .kind = ARRAY_HEAT, .target = -1};
    enum status rc;
    image_job_ask(job);
    TRY_OUT(evaluate(sweep, job, picture, NULL, cam_target(job->objective), &evaluation));
    outcome->before = evaluation.metrics;
    map.grid = evaluation.cam.grid;
    map.facts[0] = evaluation.cam_scale;
    if (!job->stopping && job->team->rank == 0)
        TRY_OUT(outbox_send_whole(job->outbox, map, 1, map.grid.height, map.grid.width, evaluation.cam.values));
    if (!job->stopping)
        rc = evaluation_send(&evaluation, job);
out:
    evaluation_destroy(&evaluation);
    return rc;
}

enum status scan_image(struct image_job *job, struct slab *rgb, struct image_outcome *outcome)
{
    struct slab picture = *rgb;
    struct sweep *sweep = NULL;
    enum status rc;
    const double start = now();
    *rgb = (struct slab){0};
    *outcome = (struct image_outcome){.before = picture_metrics_unknown(), .after = picture_metrics_unknown()};
    TRY_OUT(team_agree(job->team, sweep_create(&sweep, job, picture.width, picture.height, 0)));
    rc = look(job, sweep, &picture, outcome);
out:
    sweep_destroy(&sweep);
    slab_destroy(&picture);
    outcome->stopped = job->stopping;
    outcome->seconds = now() - start;
    outcome->broken = rc != STATUS_OK && !job->team->agreed && job->team->size > 1;
    return rc;
}
