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

// Of a band of rows.
struct band {
    double total_variation, squared_error;
    double gradient[SHAPING_SUMS];
    double save; // not 0: the state is wanted
};
enum { BAND_SUMS = sizeof(struct band) / sizeof(double) };

// Fields hold this member's rows; of the gradient also those around them that smoothing reads.
struct ascent {
    struct ascent_options options;
    const struct config *config;
    struct team *team;
    struct objective objective; // with weights of its own where guidance changes them
    struct sweep *sweep;
    struct features features;
    struct guidance guidance;
    struct row_exchange *neighbours; // of the image's rows held here
    struct slab gradient, scratch;
    struct band *bands;
    double *sums;        // room for one kind of sums of the bands
    struct span *shares; // [team->size] bands of each member
};

static void tell_part(double done, void *context)
{
    const struct ascent *a = context;
    const struct dream_options *dream = a->options.dream;
    if (dream->part)
        dream->part(done * a->options.image->width * a->options.image->height, dream->context);
}

static enum status copy_weights(struct ascent *a)
{
    const struct objective *from = a->options.dream->objective;
    a->objective = *from;
    memset(a->objective.weights, 0, sizeof a->objective.weights); // not ours
    for (int t = 0; t < from->count; t++) {
        const size_t bytes = (size_t)from->channels[t] * sizeof *from->weights[t];
        a->objective.weights[t] = malloc(bytes);
        if (!a->objective.weights[t])
            return fail(STATUS_LIMIT, "no memory for the weights of channels");
        memcpy(a->objective.weights[t], from->weights[t], bytes);
    }
    return STATUS_OK;
}

// Targets whose gradients are looked at, one bit each.
static unsigned wanted_gradients(const struct ascent *a)
{
    const struct config *config = a->config;
    if (config->guidance.importance > 0)
        return (1u << a->objective.count) - 1;
    return config->frames.cam || guidance_wants_cam(config) ? 1u << cam_target(&a->objective) : 0;
}

static enum status make_room(struct ascent *a)
{
    const struct slab *image = a->options.image;
    const struct dream_options *dream = a->options.dream;
    TRY(copy_weights(a));
    TRY(sweep_create(&a->sweep, &(struct sweep_options){.team = a->team,
                                                        .engine = dream->engine,
                                                        .objective = dream->objective,
                                                        .rules = dream->rules,
                                                        .outbox = dream->outbox,
                                                        .width = image->width,
                                                        .height = image->height,
                                                        .margin = shaping_margin(a->config->smooth),
                                                        .progress = tell_part,
                                                        .context = a}));
    TRY(features_create(&a->features, dream->objective, a->team, sweep_tiling(a->sweep), sweep_work(a->sweep), wanted_gradients(a)));
    TRY(row_exchange_create_neighbours(&a->neighbours, a->team, image->width, image->height));
    const struct span rows = sweep_gradient_rows(a->sweep);
    const size_t bands = (size_t)shaping_bands(image->rows) + 1;
    TRY(slab_create(&a->gradient, image->width, image->height, rows));
    TRY(slab_create(&a->scratch, image->width, image->height, rows));
    a->bands = calloc(bands, sizeof *a->bands);
    a->sums = calloc(bands, SHAPING_SUMS * sizeof *a->sums);
    a->shares = calloc((size_t)a->team->size, sizeof *a->shares);
    if (!a->bands || !a->sums || !a->shares) {
        return fail(STATUS_LIMIT, "no memory for the sums of an octave");
    }
    shaping_shares(image->height, a->team->size, a->shares);
    guidance_init(&a->guidance, a->config, a->team, image->rows, a->shares);
    return STATUS_OK;
}

enum status ascent_create(struct ascent **ascent, const struct ascent_options *options)
{
    struct ascent *a = *ascent = calloc(1, sizeof *a);
    if (!a)
        return fail(STATUS_LIMIT, "no memory for an octave");
    a->options = *options;
    a->config = options->dream->objective->config;
    a->team = options->dream->team;
    return make_room(a);
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
    for (int t = 0; t < a->objective.count; t++)
        free(a->objective.weights[t]);
    free(a->bands);
    free(a->sums);
    free(a->shares);
    free(a);
    *ascent = NULL;
}

struct sweep *ascent_sweep(struct ascent *ascent)
{
    return ascent->sweep;
}

// A pass over the octave with the unguided weights, to the targets and back to the first of them; the channels that count there get their
// weights.
static enum status look_at_importance(struct ascent *a, int dy, int dx, bool *stopping)
{
    const struct objective *unguided = a->options.dream->objective;
    const struct sweep_pass pass = {
        .image = a->options.image, .dy = dy, .dx = dx, .objective = unguided, .rule = GRADIENT_PLAIN, .features = &a->features};
    struct sweep_losses losses;
    float *importance = NULL;
    enum status rc;
    TRY_OUT(sweep_run(a->sweep, &pass, &losses, stopping));
    for (int t = 0; t < unguided->count; t++) {
        const int channels = unguided->channels[t];
        float *grown = realloc(importance, (size_t)channels * sizeof *grown);
        if (!grown) {
            rc = fail(STATUS_LIMIT, "no memory for the importance of channels");
            goto out;
        }
        importance = grown;
        TRY_OUT(importance_gradient_activation(&a->features, t, importance));
        importance_weights(importance, unguided->weights[t], channels, a->config->guidance.importance, a->objective.weights[t]);
    }
out:
    free(importance);
    return rc;
}

// What there is to see of this step's pass: metrics, frames, and what guides the ascent from now on.
static enum status look(struct ascent *a, const struct sweep_pass *pass, struct step_row *record)
{
    const struct config *config = a->config;
    struct frames *frames = a->options.frames;
    const bool shown = frames->outbox && frames_are_due(config, record->octave * config->steps + record->step);
    const bool guided = guidance_is_on(config) && record->step % config->guidance.every == 0;
    struct heat cam = {0};
    double scale = 0;
    enum status rc;
    TRY_OUT(metrics_measure(&a->features, config->metrics.threshold, record->targets));
    if ((shown && config->frames.cam) || (guided && guidance_wants_cam(config)))
        TRY_OUT(cam_make(&a->features, cam_target(&a->objective), config->cam.method, pass->dy, pass->dx, &cam, &scale));
    record->frame = shown ? frames->count : -1;
    const struct frame_view view = {
        .octave = record->octave, .step = record->step, .cam = config->frames.cam ? &cam : NULL, .scale = scale};
    if (shown)
        TRY_OUT(frames_send(frames, a->options.image, config->octaves.detail ? a->options.base : NULL, &view));
    if (guided)
        rc = guidance_look(&a->guidance, &a->gradient, &cam);
out:
    heat_destroy(&cam);
    return rc;
}

// Total variation of the image and, if it is wanted, its part in the gradient.
static enum status vary(struct ascent *a)
{
    const struct slab *image = a->options.image;
    TRY(row_exchange_end(a->neighbours));
    const float *above = row_exchange_values(a->neighbours, 0), *below = row_exchange_values(a->neighbours, 1);
    const double start = now();
    shaping_total_variation(image, below, a->sums);
    for (int b = 0; b < shaping_bands(image->rows); b++)
        a->bands[b].total_variation = a->sums[b];
    if (a->config->total_variation > 0)
        shaping_add_total_variation(&a->gradient, image, above, below, a->config->total_variation);
    timing_add(a->team->timing, PHASE_SHAPE, start, 0);
    return STATUS_OK;
}

// Sums over the octave.
static enum status add_up(struct ascent *a, struct band *sum, bool *stopping)
{
    const struct dream_options *dream = a->options.dream;
    const struct slab *image = a->options.image;
    const int bands = shaping_bands(image->rows);
    const double start = now();
    shaping_squared_error(image, a->options.base, a->sums);
    for (int b = 0; b < bands; b++)
        a->bands[b].squared_error = a->sums[b];
    shaping_sums(&a->gradient, image->rows, (double(*)[SHAPING_SUMS])a->sums);
    for (int b = 0; b < bands; b++)
        memcpy(a->bands[b].gradient, a->sums + b * SHAPING_SUMS, sizeof a->bands[b].gradient);
    timing_add(a->team->timing, PHASE_SHAPE, start, 0);
    if (a->team->rank == 0) // which always has a band
        a->bands[0].save = dream->save && dream->save(dream->context);
    return team_sum(a->team, (const double *)a->bands, a->shares, BAND_SUMS, (double *)sum, stopping);
}

// From the network's gradient to what is added.
static enum status shape(struct ascent *a)
{
    TRY(guidance_apply(&a->guidance, &a->gradient));
    const double start = now();
    if (a->config->smooth > 0)
        shaping_smooth(&a->gradient, &a->scratch, a->config->smooth);
    timing_add(a->team->timing, PHASE_SHAPE, start, 0);
    return vary(a);
}

enum status ascent_step(struct ascent *a, int step, struct ascent_wishes *wishes)
{
    const struct dream_options *dream = a->options.dream;
    const struct config *config = a->config;
    struct slab *image = a->options.image;
    const double start = now(), samples = 3.0 * image->width * image->height;
    struct sweep_pass pass = {.image = image,
                              .objective = &a->objective,
                              .rule = config->gradient,
                              .above = network_find(network_inception_v3(), config->gradient_above),
                              .gradient = &a->gradient,
                              .scratch = &a->scratch,
                              .features = &a->features};
    struct step_row record = {
        .image = dream->image, .octave = a->options.octave, .step = step, .width = image->width, .height = image->height};
    struct sweep_losses losses;
    struct band sum;
    rng_jitter(config->seed, dream->image, a->options.octave, step, config->jitter, &pass.dy, &pass.dx);
    if (config->guidance.importance > 0 && step % config->guidance.every == 0)
        TRY(look_at_importance(a, pass.dy, pass.dx, &wishes->stop));
    TRY(row_exchange_begin(a->neighbours, image));
    TRY(sweep_run(a->sweep, &pass, &losses, &wishes->stop));
    TRY(look(a, &pass, &record));
    TRY(shape(a));
    wishes->stop = wishes->stop || dream->stop(dream->context);
    TRY(add_up(a, &sum, &wishes->stop));
    wishes->save = sum.save != 0;
    const struct gradient_norms norms = shaping_norms(sum.gradient, samples);
    if (!isfinite(losses.total) || !isfinite(norms.l2)) { // by the same sums on every member
        a->team->agreed = true;
        return fail(STATUS_INTERNAL, "the gradient of octave %d, step %d is not finite", a->options.octave, step);
    }
    const double at = now();
    shaping_ascend(image, &a->gradient, config->step_size * pow(config->step_decay, step) / shaping_divisor(&norms, config->normalize));
    timing_add(a->team->timing, PHASE_SHAPE, at, 0);
    record.loss = losses.total;
    for (int t = 0; t < a->objective.count; t++)
        record.targets[t].loss = losses.targets[t];
    record.total_variation = sum.total_variation / samples;
    record.psnr = shaping_psnr(sum.squared_error, samples);
    record.gradient_norm = norms.l2;
    record.seconds = now() - start;
    if (a->team->rank == 0)
        dream->step(&record, dream->context);
    return STATUS_OK;
}
