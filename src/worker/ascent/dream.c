// SPDX-License-Identifier: MIT
#include "worker/ascent/dream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/picture/geometry.h"
#include "common/system/clock.h"
#include "kernels/network/network.h"
#include "worker/ascent/ascent.h"
#include "worker/ascent/frames.h"
#include "worker/ascent/guidance.h"
#include "worker/ascent/shaping.h"
#include "worker/look/baselines.h"
#include "worker/look/evaluation.h"
#include "worker/look/expected_gradients.h"
#include "worker/team/rescale.h"

// One image on its way up. Fields hold this member's rows.
struct dream {
    const struct dream_options *options;
    const struct config *config;
    struct octave full;
    struct slab original;  // full size
    struct slab base;      // the original at the current octave's size; a view of `original` at the last
    struct slab image;     // the dream at the current octave
    struct ascent *ascent; // of the current octave
    struct frames frames;
    int octave;
    struct octave size;
    struct picture_metrics before;
    // What dream_options.keep() is given: `image` itself, or a copy from where guidance looked last.
    struct slab kept;
    int kept_step;
    int64_t steps; // done, of all octaves
    bool stopping;
};

static void clip(struct slab *field)
{
    const size_t count = slab_count(field);
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++)
        field->data[i] = field->data[i] < -1 ? -1 : field->data[i] > 1 ? 1 : field->data[i];
}

static void leave_octave(struct dream *d)
{
    ascent_destroy(&d->ascent);
    if (d->base.data == d->original.data)
        d->base = (struct slab){0};
}

static enum status look_before(struct dream *d)
{
    const struct dream_options *o = d->options;
    struct evaluation evaluation = {0};
    struct sweep *sweep = NULL;
    enum status rc;
    TRY_OUT(team_agree(o->team, sweep_create(&sweep, &(struct sweep_options){.team = o->team,
                                                                             .engine = o->engine,
                                                                             .objective = o->objective,
                                                                             .rules = o->rules,
                                                                             .outbox = o->outbox,
                                                                             .width = d->full.width,
                                                                             .height = d->full.height})));
    d->stopping = d->stopping || o->stop(o->context);
    TRY_OUT(evaluate(sweep, o->team, o->objective, &d->original, NULL, false, &evaluation, &d->stopping));
    d->before = evaluation.metrics;
out:
    evaluation_destroy(&evaluation);
    sweep_destroy(&sweep);
    return rc;
}

static enum status send_importance(const struct dream *d, const struct evaluation *evaluation)
{
    const struct objective *objective = d->options->objective;
    for (int t = 0; t < objective->count; t++) {
        const int channels = objective->channels[t];
        const struct array_part part = {
            .image = d->options->image,
            .kind = ARRAY_IMPORTANCE,
            .target = t,
            .frame = -1,
            .channels = channels,
            .height = 1,
            .width = 1,
            .rows = 1,
            .columns = 1,
            .facts = {evaluation->expectations[t].value, evaluation->expectations[t].expected, evaluation->expectations[t].residual}};
        float *values = malloc((size_t)channels * sizeof *values);
        if (!values)
            return fail(STATUS_LIMIT, "no memory to send the importance of channels");
        memcpy(values, evaluation->importance[t], (size_t)channels * sizeof *values);
        TRY(outbox_send(d->options->outbox, &part, values));
    }
    return STATUS_OK;
}

static void forget_importance(const struct objective *objective, struct evaluation *evaluation)
{
    for (int t = 0; t < objective->count; t++)
        for (int c = 0; c < objective->channels[t]; c++)
            evaluation->importance[t][c] = NAN;
}

// Instead of activation times gradient. Without any baseline nothing is known, nor when it is stopped.
static enum status expect_importance(struct dream *d, struct evaluation *evaluation)
{
    const struct dream_options *o = d->options;
    struct baselines baselines = {0};
    enum status rc;
    TRY_OUT(baselines_make(&baselines, d->config, o->team, &d->image, o->others, o->other_count));
    const struct expected_gradients_options options = {.sweep = ascent_sweep(d->ascent),
                                                       .team = o->team,
                                                       .objective = o->objective,
                                                       .picture = &d->image,
                                                       .baselines = baselines.fields,
                                                       .baseline_count = baselines.count,
                                                       .samples = d->config->importance.samples,
                                                       .stopping = &d->stopping,
                                                       .stop = o->stop,
                                                       .context = o->context};
    const bool possible = baselines.count > 0 && options.samples > 0;
    if (possible)
        TRY_OUT(expected_gradients_importance(&options, evaluation->importance, evaluation->expectations));
    if (!possible || d->stopping)
        forget_importance(o->objective, evaluation);
out:
    baselines_destroy(&baselines);
    return rc;
}

static enum status copy(struct team *team, const struct slab *from, struct slab *to)
{
    TRY(team_agree(team, slab_create(to, from->width, from->height, from->rows)));
    memcpy(to->data, from->data, slab_count(from) * sizeof *from->data);
    return STATUS_OK;
}

// Guidance of a step may come from a look at an earlier one; a dream can be taken up only where it will look anew.
static bool needs_copy(const struct dream *d)
{
    const bool guided = guidance_is_on(d->config) || d->config->guidance.importance > 0;
    return d->options->keep && guided && d->config->guidance.every > 1;
}

static enum status remember(struct dream *d, int step)
{
    if (!needs_copy(d) || step % d->config->guidance.every != 0)
        return STATUS_OK;
    d->kept_step = step;
    slab_destroy(&d->kept);
    return copy(d->options->team, &d->image, &d->kept);
}

// `step` updates of the octave are done.
static enum status keep(const struct dream *d, int step)
{
    const bool looks = step == d->config->steps || step % d->config->guidance.every == 0; // guidance does, before it is needed again
    const bool copied = needs_copy(d) && !looks;
    const struct dream_state state = {.image = d->options->image,
                                      .octave = d->octave,
                                      .step = copied ? d->kept_step : step,
                                      .width = d->size.width,
                                      .height = d->size.height,
                                      .before = d->before};
    return d->options->keep ? d->options->keep(&state, copied ? &d->kept : &d->image, d->options->context) : STATUS_OK;
}

// The finished dream: its metrics, the last frame, what its channels count for.
static enum status look_after(struct dream *d, struct dream_outcome *outcome)
{
    const struct dream_options *o = d->options;
    struct evaluation evaluation = {0};
    enum status rc;
    TRY_OUT(evaluate(ascent_sweep(d->ascent), o->team, o->objective, &d->image, &d->original, true, &evaluation, &d->stopping));
    outcome->after = evaluation.metrics;
    const bool before = d->stopping;
    if (d->config->importance.method == IMPORTANCE_EXPECTED_GRADIENTS && !before)
        TRY_OUT(expect_importance(d, &evaluation));
    outcome->stopped = d->stopping && !before; // what belongs to the dream is not all there
    if (outcome->stopped)
        TRY_OUT(keep(d, d->config->steps));
    const struct frame_view view = {.octave = d->octave,
                                    .step = d->config->steps,
                                    .cam = d->config->frames.cam ? &evaluation.cam : NULL,
                                    .scale = evaluation.cam_scale};
    if (o->outbox && frames_are_on(d->config))
        TRY_OUT(frames_send(&d->frames, &d->image, d->config->octaves.detail ? &d->original : NULL, &view));
    if (o->outbox && o->team->rank == 0)
        rc = send_importance(d, &evaluation);
out:
    evaluation_destroy(&evaluation);
    return rc;
}

// image - base: what has been dreamed so far, in the image's place.
static void keep_detail(struct dream *d)
{
    const size_t count = slab_count(&d->image);
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++)
        d->image.data[i] -= d->base.data[i];
}

// to += d->image, enlarged; nothing to add before the first octave.
static enum status add_enlarged(struct dream *d, struct slab *to)
{
    const size_t count = slab_count(to);
    struct slab larger;
    if (!d->image.data)
        return STATUS_OK;
    TRY(rescale(d->options->team, &d->image, to->width, to->height, &larger));
    slab_destroy(&d->image);
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++)
        to->data[i] += larger.data[i];
    slab_destroy(&larger);
    return STATUS_OK;
}

// The original at this octave's size.
static enum status find_base(struct dream *d, struct octave size, bool last)
{
    slab_destroy(&d->base);
    if (last) {
        d->base = d->original;
    } else {
        TRY(rescale(d->options->team, &d->original, size.width, size.height, &d->base));
        clip(&d->base); // the filter overshoots
    }
    return STATUS_OK;
}

static enum status begin_ascent(struct dream *d, int octave, struct octave size)
{
    d->octave = octave;
    d->size = size;
    const struct ascent_options options = {
        .dream = d->options, .frames = &d->frames, .image = &d->image, .base = &d->base, .octave = octave};
    return team_agree(d->options->team, ascent_create(&d->ascent, &options));
}

// Moves from the current octave, if there is one, to this one. The last one is as large as the original.
static enum status enter_octave(struct dream *d, int octave, struct octave size, bool last)
{
    const bool first = d->octave < 0, detail = d->config->octaves.detail;
    struct slab next = {0};
    enum status rc = STATUS_OK;
    leave_octave(d);
    if (!first && detail)
        keep_detail(d);
    TRY_OUT(find_base(d, size, last));
    if (!first && !detail) {
        TRY_OUT(rescale(d->options->team, &d->image, size.width, size.height, &next));
        slab_destroy(&d->image);
    } else {
        TRY_OUT(copy(d->options->team, &d->base, &next));
        TRY_OUT(add_enlarged(d, &next));
    }
    clip(&next);
    d->image = next;
    next = (struct slab){0};
    rc = begin_ascent(d, octave, size);
out:
    slab_destroy(&next);
    return rc;
}

static enum status check_state(const struct dream *d, const struct octave *octaves, int count)
{
    const struct dream_state *from = d->options->from;
    if (from->octave < 0 || from->octave >= count || from->step < 0 || from->step > d->config->steps ||
        from->width != octaves[from->octave].width || from->height != octaves[from->octave].height)
        return fail(STATUS_USAGE, "the dream to go on with was in octave %d, step %d, of %d x %d pixels, which this one does not have",
                    (int)from->octave, (int)from->step, (int)from->width, (int)from->height);
    return STATUS_OK;
}

// Takes up the octave that an earlier dream was in.
static enum status enter_again(struct dream *d, const struct octave *octaves, int count)
{
    const struct dream_state *from = d->options->from;
    TRY(team_agree(d->options->team, check_state(d, octaves, count)));
    d->before = from->before;
    d->steps = (int64_t)from->octave * d->config->steps + from->step;
    d->frames.count = frames_before(d->config, from->octave * d->config->steps + from->step);
    TRY(find_base(d, octaves[from->octave], from->octave == count - 1));
    d->image = *d->options->dreamed;
    *d->options->dreamed = (struct slab){0};
    return begin_ascent(d, from->octave, octaves[from->octave]);
}

static enum status climb_octave(struct dream *d, int step)
{
    for (; step < d->config->steps && !d->stopping; step++) {
        struct ascent_wishes wishes = {.stop = d->stopping};
        TRY(remember(d, step));
        TRY(ascent_step(d->ascent, step, &wishes));
        d->stopping = wishes.stop;
        d->steps++;
        if (wishes.save || wishes.stop)
            TRY(keep(d, step + 1));
    }
    return STATUS_OK;
}

// Stopped below full size: the original with the detail dreamed so far, or the dream enlarged. d->image is the result.
static enum status finish_early(struct dream *d)
{
    const bool full = d->base.data == d->original.data;
    struct slab larger;
    if (full && d->image.data)
        return STATUS_OK;
    if (d->image.data && !d->config->octaves.detail) {
        TRY(rescale(d->options->team, &d->image, d->full.width, d->full.height, &larger));
        slab_destroy(&d->image);
        d->image = larger;
        clip(&d->image);
        return STATUS_OK;
    }
    if (d->image.data)
        keep_detail(d);
    TRY(add_enlarged(d, &d->original));
    clip(&d->original);
    d->image = d->original;
    d->original = (struct slab){0};
    return STATUS_OK;
}

static enum status climb(struct dream *d, struct dream_outcome *outcome)
{
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    const int count =
        geometry_octaves(d->full.width, d->full.height, d->config->octaves.count, d->config->octaves.scale, GEOMETRY_MIN_SIDE, octaves);
    const struct dream_state *from = d->options->from;
    enum status rc = STATUS_OK;
    if (from) {
        TRY(enter_again(d, octaves, count));
        TRY(climb_octave(d, from->step));
    } else {
        TRY(look_before(d));
    }
    for (int k = d->octave + 1; k < count && !d->stopping; k++) {
        TRY(enter_octave(d, k, octaves[k], k == count - 1));
        TRY(climb_octave(d, 0));
    }
    outcome->before = d->before;
    outcome->stopped = d->stopping && d->steps < (int64_t)count * d->config->steps;
    if (outcome->stopped)
        rc = finish_early(d);
    else
        rc = look_after(d, outcome);
    return rc;
}

enum status dream_image(const struct dream_options *options, struct slab *rgb, struct dream_outcome *outcome)
{
    struct dream d = {.options = options,
                      .config = options->objective->config,
                      .full = {rgb->width, rgb->height},
                      .original = *rgb,
                      .octave = -1,
                      .before = picture_metrics_unknown()};
    const double start = now();
    *rgb = (struct slab){0};
    *outcome = (struct dream_outcome){.before = picture_metrics_unknown(), .after = picture_metrics_unknown()};
    frames_init(&d.frames, d.config, options->team, options->outbox, options->image, d.full.width, d.full.height);
    const enum status rc = climb(&d, outcome);
    leave_octave(&d);
    slab_destroy(&d.kept);
    if (options->dreamed)
        slab_destroy(options->dreamed);
    slab_destroy(&d.base);
    if (rc == STATUS_OK)
        *rgb = d.image;
    else
        slab_destroy(&d.image);
    slab_destroy(&d.original);
    outcome->seconds = now() - start;
    outcome->broken = rc != STATUS_OK && !options->team->agreed && options->team->size > 1;
    return rc;
}
