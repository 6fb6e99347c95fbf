// SPDX-License-Identifier: MIT
#include "worker/ascent/ascent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/clock.h"
#include "common/system/rng.h"
#include "worker/ascent/guidance.h"
#include "worker/ascent/shaping.h"
#include "worker/look/cam.h"
#include "worker/look/importance.h"
#include "worker/look/metrics.h"
#include "worker/team/row_exchange.h"
#include "worker/team/slab_blur.h"
#include "worker/team/slab_pyramid.h"

// Sums of a band of rows.
struct band {
    double total_variation, squared_error;
    double gradient[SLAB_MOMENTS];
    double save; // not 0: the state is wanted
};
enum { BAND_SUMS = sizeof(struct band) / sizeof(double) };

// Slabs hold this member's rows; of the gradient also those around them that smoothing reads.
struct ascent {
    struct image_job *job;
    const struct config *config;
    struct frames *frames;
    struct slab *image;
    const struct slab *base;
    const struct masking *masking;
    int octave;
    struct objective objective; // with the weights of targets that the octave has, and of channels where guidance changes them
    struct sweep *sweep;
    struct features features;
    struct guidance guidance;
    struct row_exchange *neighbours; // of the image's rows held here
    struct slab gradient, scratch;
    struct slab_pyramid *pyramid;        // NULL: none
    double (*squares)[SLAB_PYRAMID_MAX]; // of its bands of frequency, for each band of rows
    struct band *bands;
};

// Targets whose gradients are looked at, one bit each.
static unsigned wanted_gradients(const struct ascent *a)
{
    const struct config *config = a->config;
    if (config->guidance.importance > 0)
        return (1u << a->objective.count) - 1;
    return config->frames.cam || guidance_wants_cam(config) ? 1u << cam_target(&a->objective) : 0;
}

enum status ascent_create(struct ascent **ascent, struct image_job *job, struct frames *frames, struct slab *image, const struct slab *base,
                          const struct masking *masking, int octave, int octaves)
{
    const int width = image->width, height = image->height;
    TRY(ALLOCATE(*ascent, 1, "for an octave"));
    struct ascent *a = *ascent;
    *a = (struct ascent){
        .job = job, .config = job->objective->config, .frames = frames, .image = image, .base = base, .masking = masking, .octave = octave};
    a->guidance = (struct guidance){.config = a->config, .team = job->team};
    TRY(objective_copy(&a->objective, job->objective));
    objective_enter_octave(&a->objective, octave, octaves);
    const int levels = a->config->shape.pyramid, margin = slab_blur_margin(a->config->smooth) + slab_pyramid_margin(levels);
    TRY(sweep_create(&a->sweep, job, width, height, margin));
    TRY(features_create(&a->features, job->objective, job->team, sweep_tiling(a->sweep), wanted_gradients(a)));
    TRY(row_exchange_create_neighbours(&a->neighbours, job->team, width, height));
    TRY(slab_create(&a->gradient, width, height, tiling_grown(image->rows, margin, height)));
    TRY(slab_create(&a->scratch, width, height, a->gradient.rows));
    if (levels > 1) {
        TRY(slab_pyramid_create(&a->pyramid, width, height, a->gradient.rows, levels));
        TRY(ALLOCATE(a->squares, slab_bands(image->rows) + 1, "for the sums of an octave"));
    }
    return ALLOCATE(a->bands, slab_bands(image->rows) + 1, "for the sums of an octave");
}

void ascent_destroy(struct ascent **ascent)
{
    struct ascent *a = *ascent;
    if (!a)
        return;
    guidance_destroy(&a->guidance);
    features_destroy(&a->features);
    sweep_destroy(&a->sweep);
    row_exchange_destroy(&a->neighbours);
    slab_destroy(&a->gradient);
    slab_destroy(&a->scratch);
    slab_pyramid_destroy(&a->pyramid);
    objective_copy_destroy(&a->objective);
    free(a->bands);
    free(a->squares);
    free(a);
    *ascent = NULL;
}

struct sweep *ascent_sweep(struct ascent *ascent)
{
    return ascent->sweep;
}

// A pass over the octave with the unguided weights of channels, to the targets and back to the first of them; the channels that count there
// get their weights.
static enum status look_at_importance(struct ascent *a, int dy, int dx)
{
    struct objective unguided = a->objective;
    memcpy(unguided.weights, a->job->objective->weights, sizeof unguided.weights);
    const struct sweep_pass pass = {
        .image = a->image, .dy = dy, .dx = dx, .objective = &unguided, .rule = {.mode = GRADIENT_MODE_PLAIN}, .features = &a->features};
    struct sweep_losses losses;
    TRY(sweep_run(a->sweep, &pass, &losses));
    for (int t = 0; t < unguided.count; t++) {
        float *weights = a->objective.weights[t];
        TRY(importance_gradient_activation(&a->features, t, weights));
        importance_weights(weights, unguided.weights[t], unguided.channels[t], a->config->guidance.importance, weights);
    }
    return STATUS_OK;
}

// What there is to see of this step's pass: metrics, frames, and what guides the ascent from now on.
static enum status observe(struct ascent *a, const struct sweep_pass *pass, const struct sweep_losses *losses, struct step_row *record)
{
    const struct config *config = a->config;
    struct frames *frames = a->frames;
    const bool shown = frames_are_due(frames, record->octave * config->steps + record->step);
    const bool guided = guidance_is_on(config) && record->step % config->guidance.every == 0;
    struct frame_view view = {.octave = record->octave, .step = record->step};
    struct heat cam = {0};
    enum status rc;
    TRY_OUT(metrics_measure(&a->features, losses->targets, record->targets));
    if ((shown && config->frames.cam) || (guided && guidance_wants_cam(config)))
        TRY_OUT(cam_make(&a->features, cam_target(&a->objective), config->cam.method, pass->dy, pass->dx, &cam, &view.scale));
    record->frame = shown ? frames->count : -1;
    view.cam = &cam;
    if (shown)
        TRY_OUT(frames_send(frames, a->image, a->base, &view));
    if (guided)
        rc = guidance_look(&a->guidance, &a->gradient, &cam);
out:
    heat_destroy(&cam);
    return rc;
}

// Total variation of the image and, if it is wanted, its part in the gradient.
static enum status measure_variation(struct ascent *a)
{
    const struct slab *image = a->image;
    TRY(row_exchange_end(a->neighbours));
    const float *above = row_exchange_values(a->neighbours, 0), *below = row_exchange_values(a->neighbours, 1);
    const double start = now();
    slab_total_variation(image, below, &a->bands->total_variation, BAND_SUMS);
    if (a->config->total_variation > 0)
        shaping_add_total_variation(&a->gradient, image, above, below, a->config->total_variation);
    timing_add(a->job->team->timing, PHASE_SHAPE, start, 0);
    return STATUS_OK;
}

// Brings the gradient's bands of spatial frequency to the strengths that they shall have.
static enum status equalise(struct ascent *a)
{
    const int bands = a->config->shape.pyramid;
    double mean_squares[SLAB_PYRAMID_MAX];
    float scales[SLAB_PYRAMID_MAX];
    const double start = now();
    slab_pyramid_split(a->pyramid, &a->gradient, a->image->rows, a->squares[0], SLAB_PYRAMID_MAX);
    timing_add(a->job->team->timing, PHASE_SHAPE, start, 0);
    TRY(team_sum(a->job->team, a->squares[0], slab_bands((struct span){0, a->image->height}), SLAB_PYRAMID_MAX, mean_squares, NULL));
    const double at = now();
    for (int band = 0; band < bands; band++)
        mean_squares[band] /= slab_pyramid_count(a->pyramid, band);
    shaping_band_scales(mean_squares, bands, a->config->shape.coarse, scales);
    slab_pyramid_join(a->pyramid, scales);
    timing_add(a->job->team->timing, PHASE_SHAPE, at, 0);
    return STATUS_OK;
}

// From the network's gradient to what is added.
static enum status shape(struct ascent *a)
{
    TRY(guidance_apply(&a->guidance, &a->gradient));
    if (a->pyramid)
        TRY(equalise(a));
    const double start = now();
    if (a->config->shape.colour > 0 || a->config->colours == COLOURS_ORIGINAL)
        shaping_colours(&a->gradient, a->config->colours, a->config->shape.colour);
    if (a->config->smooth > 0)
        slab_blur(&a->gradient, &a->scratch, a->config->smooth);
    timing_add(a->job->team->timing, PHASE_SHAPE, start, 0);
    return measure_variation(a);
}

// Sums over the octave.
static enum status sum_bands(struct ascent *a, struct band *sum)
{
    struct image_job *job = a->job;
    const struct slab *image = a->image;
    const double start = now();
    slab_squared_error(image, a->base, &a->bands->squared_error, BAND_SUMS);
    slab_moments(&a->gradient, image->rows, a->bands->gradient, BAND_SUMS);
    timing_add(job->team->timing, PHASE_SHAPE, start, 0);
    if (job->team->rank == 0) // which always has a band
        a->bands->save = job->save && job->save(job->context);
    return team_sum(job->team, (const double *)a->bands, slab_bands((struct span){0, image->height}), BAND_SUMS, (double *)sum,
                    &job->stopping);
}

enum status ascent_step(struct ascent *a, int step, bool *save)
{
    struct image_job *job = a->job;
    const struct config *config = a->config;
    struct slab *image = a->image;
    const double start = now(), samples = 3.0 * image->width * image->height;
    struct sweep_pass pass = {.image = image,
                              .objective = &a->objective,
                              .rule = objective_gradient_rule(config),
                              .gradient = &a->gradient,
                              .scratch = &a->scratch,
                              .features = &a->features,
                              .parts = true};
    struct step_row record = {.image = job->image, .octave = a->octave, .step = step, .width = image->width, .height = image->height};
    struct sweep_losses losses;
    struct band sum;
    rng_jitter(config->seed, job->picture, a->octave, step, config->jitter, &pass.dy, &pass.dx);
    if (config->guidance.importance > 0 && step % config->guidance.every == 0)
        TRY(look_at_importance(a, pass.dy, pass.dx));
    TRY(row_exchange_begin(a->neighbours, image));
    TRY(sweep_run(a->sweep, &pass, &losses));
    TRY(observe(a, &pass, &losses, &record));
    TRY(shape(a));
    image_job_ask(job);
    TRY(sum_bands(a, &sum));
    *save = sum.save != 0;
    record.gradient_norm = sqrt(sum.gradient[2]);
    if (!isfinite(losses.total) || !isfinite(record.gradient_norm)) { // by the same sums on every member
        job->team->agreed = true;
        return fail(STATUS_INTERNAL, "the gradient of octave %d, step %d is not finite", a->octave, step);
    }
    const double at = now();
    masking_weaken(a->masking, &a->gradient);
    shaping_ascend(image, &a->gradient,
                   config->step_size * pow(config->step_decay, step) / shaping_divisor(sum.gradient, samples, config->normalize),
                   config->clip);
    timing_add(job->team->timing, PHASE_SHAPE, at, 0);
    record.loss = losses.total;
    record.total_variation = sum.total_variation / samples;
    record.psnr = slab_psnr(sum.squared_error, samples);
    record.seconds = now() - start;
    if (job->team->rank == 0 && job->step)
        job->step(&record, job->context);
    return STATUS_OK;
}
