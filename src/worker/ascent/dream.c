// SPDX-License-Identifier: MIT
#include "worker/ascent/dream.h"

#include <math.h>

#include "common/picture/geometry.h"
#include "common/system/clock.h"
#include "worker/ascent/ascent.h"
#include "worker/ascent/guidance.h"
#include "worker/look/cam.h"
#include "worker/look/evaluation.h"
#include "worker/team/rescale.h"

// One image on its way up. Slabs hold this member's rows.
struct dream {
    struct image_job *job;
    const struct config *config;
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    int octave_count;
    int octave, step;       // the current one, -1: none yet; its updates that are done
    int steps;              // updates of each
    struct slab original;   // full size
    struct slab base;       // the original at the current octave's size; a view of `original` at the last
    struct slab image;      // the dream at the current octave
    struct masking masking; // of the current octave
    struct ascent *ascent;  // of the current octave
    struct frames frames;
    struct picture_metrics before;
    // What image_job.keep() is given: `image` itself, or a copy from where guidance looked last.
    struct slab kept;
    int kept_step;
};

static void leave_octave(struct dream *d)
{
    ascent_destroy(&d->ascent);
    masking_destroy(&d->masking);
    if (d->base.data == d->original.data)
        d->base = (struct slab){0};
}

static enum status evaluate_original(struct dream *d)
{
    struct image_job *job = d->job;
    struct evaluation evaluation = {0};
    struct sweep *sweep = NULL;
    enum status rc;
    TRY_OUT(team_agree(job->team, sweep_create(&sweep, job, d->original.width, d->original.height, 0)));
    image_job_ask(job);
    TRY_OUT(evaluate(sweep, job, &d->original, NULL, -1, &evaluation));
    d->before = evaluation.metrics;
out:
    evaluation_destroy(&evaluation);
    sweep_destroy(&sweep);
    return rc;
}

// Instead of activation times gradient. Without any baseline nothing is known, nor when it is stopped.
static enum status expect_importance(struct dream *d, struct evaluation *evaluation)
{
    struct image_job *job = d->job;
    struct baselines baselines = {0};
    const struct expected_gradients expected = {
        .job = job, .sweep = ascent_sweep(d->ascent), .picture = &d->image, .baselines = &baselines};
    enum status rc;
    TRY_OUT(baselines_make(&baselines, job, &d->image));
    const bool possible = expected_gradients_are_on(&expected);
    if (possible)
        TRY_OUT(expected_gradients_importance(&expected, evaluation->importance, evaluation->expectations));
    for (int t = 0; t < job->objective->count && (!possible || job->stopping); t++)
        for (int c = 0; c < job->objective->channels[t]; c++)
            evaluation->importance[t][c] = NAN;
out:
    baselines_destroy(&baselines);
    return rc;
}

// Guidance of a step may come from a look at an earlier one; a dream can be taken up only where it will look anew.
static bool needs_copy(const struct dream *d)
{
    const bool guided = guidance_is_on(d->config) || d->config->guidance.importance > 0;
    return d->job->keep && guided && d->config->guidance.every > 1;
}

static enum status remember_state(struct dream *d)
{
    if (!needs_copy(d) || d->step % d->config->guidance.every != 0)
        return STATUS_OK;
    d->kept_step = d->step;
    slab_destroy(&d->kept);
    return team_agree(d->job->team, slab_copy(&d->kept, &d->image));
}

static enum status keep_state(const struct dream *d)
{
    // Guidance does, before it is needed again.
    const bool looks = d->step == d->steps || d->step % d->config->guidance.every == 0;
    const bool copied = needs_copy(d) && !looks;
    const struct dream_state state = {.image = d->job->image,
                                      .octave = d->octave,
                                      .step = copied ? d->kept_step : d->step,
                                      .width = d->image.width,
                                      .height = d->image.height,
                                      .before = d->before};
    return d->job->keep ? d->job->keep(&state, copied ? &d->kept : &d->image, d->job->context) : STATUS_OK;
}

// The finished dream: its metrics, the last frame, what its channels count for.
static enum status finish(struct dream *d, struct image_outcome *outcome)
{
    struct image_job *job = d->job;
    struct evaluation evaluation = {0};
    struct objective objective = *job->objective;
    enum status rc;
    objective_enter_octave(&objective, d->octave, d->octave_count); // its map is of the layer of the last frames
    TRY_OUT(evaluate(ascent_sweep(d->ascent), job, &d->image, &d->original, cam_target(&objective), &evaluation));
    outcome->after = evaluation.metrics;
    const bool before = job->stopping;
    if (job->bare)
        goto out;
    if (d->config->importance.method == IMPORTANCE_EXPECTED_GRADIENTS && !before)
        TRY_OUT(expect_importance(d, &evaluation));
    outcome->stopped = job->stopping && !before; // what belongs to the dream is not all there
    if (outcome->stopped)
        TRY_OUT(keep_state(d));
    const struct frame_view view = {.octave = d->octave, .step = d->step, .cam = &evaluation.cam, .scale = evaluation.cam_scale};
    if (frames_are_on(&d->frames))
        TRY_OUT(frames_send(&d->frames, &d->image, &d->original, &view));
    rc = evaluation_send(&evaluation, job);
out:
    evaluation_destroy(&evaluation);
    return rc;
}

// to += d->image, enlarged, where the mask, of that size, is not 0: the filter rings. Nothing to add before the first octave.
static enum status add_enlarged(struct dream *d, struct slab *to)
{
    struct slab larger;
    if (!d->image.data)
        return STATUS_OK;
    TRY(rescale(d->job->team, &d->image, to->width, to->height, &larger));
    slab_destroy(&d->image);
    masking_restore(&d->masking, &larger, NULL);
    slab_add(to, &larger, 1);
    slab_destroy(&larger);
    return STATUS_OK;
}

// The dream at the size of the original, where the mask, of that size, is not 0.
static enum status enlarge(struct dream *d, const struct slab *original)
{
    struct slab larger;
    TRY(rescale(d->job->team, &d->image, original->width, original->height, &larger));
    slab_destroy(&d->image);
    slab_clip(&larger, d->config->clip == CLIP_COLOUR);
    masking_restore(&d->masking, &larger, original);
    d->image = larger;
    return STATUS_OK;
}

static bool is_last(const struct dream *d)
{
    return d->octave == d->octave_count - 1;
}

// The original at this octave's size; the last is as large as it.
static enum status find_base(struct dream *d, int octave)
{
    const struct octave *size = &d->octaves[octave];
    slab_destroy(&d->base);
    d->octave = octave;
    if (is_last(d)) {
        d->base = d->original;
        return STATUS_OK;
    }
    TRY(rescale(d->job->team, &d->original, size->width, size->height, &d->base));
    slab_clip(&d->base, false); // the filter overshoots
    return STATUS_OK;
}

static enum status find_masking(struct dream *d, const struct slab *like)
{
    masking_destroy(&d->masking);
    return team_agree(d->job->team, masking_create(&d->masking, d->job, like));
}

static enum status begin_ascent(struct dream *d)
{
    return team_agree(d->job->team,
                      ascent_create(&d->ascent, d->job, &d->frames, &d->image, &d->base, &d->masking, d->octave, d->octave_count));
}

// Moves from the current octave, if there is one, to this one.
static enum status enter_octave(struct dream *d, int octave)
{
    const bool first = d->octave < 0, detail = d->config->octaves.detail;
    struct slab next = {0};
    enum status rc = STATUS_OK;
    leave_octave(d);
    d->step = 0;
    if (!first && detail)
        slab_add(&d->image, &d->base, -1); // leaves what has been dreamed so far
    TRY_OUT(find_base(d, octave));
    TRY_OUT(find_masking(d, &d->base));
    if (!first && !detail) {
        TRY_OUT(enlarge(d, &d->base));
    } else {
        TRY_OUT(team_agree(d->job->team, slab_copy(&next, &d->base)));
        TRY_OUT(add_enlarged(d, &next));
        slab_clip(&next, d->config->clip == CLIP_COLOUR);
        d->image = next;
        next = (struct slab){0};
    }
    rc = begin_ascent(d);
out:
    slab_destroy(&next);
    return rc;
}

static enum status check_state(const struct dream *d)
{
    const struct dream_state *from = d->job->from;
    if (from->octave < 0 || from->octave >= d->octave_count || from->step < 0 || from->step > d->steps ||
        from->width != d->octaves[from->octave].width || from->height != d->octaves[from->octave].height)
        return fail(STATUS_USAGE, "the dream to go on with was in octave %d, step %d, of %d x %d pixels, which this one does not have",
                    (int)from->octave, (int)from->step, (int)from->width, (int)from->height);
    return STATUS_OK;
}

// Takes up the octave that an earlier dream was in.
static enum status enter_again(struct dream *d)
{
    const struct dream_state *from = d->job->from;
    TRY(team_agree(d->job->team, check_state(d)));
    d->before = from->before;
    d->step = from->step;
    frames_skip(&d->frames, from->octave * d->steps + from->step);
    TRY(find_base(d, from->octave));
    TRY(find_masking(d, &d->base));
    d->image = *d->job->dreamed;
    *d->job->dreamed = (struct slab){0};
    return begin_ascent(d);
}

static enum status climb_octave(struct dream *d)
{
    const struct image_job *job = d->job;
    while (d->step < d->steps && !job->stopping) {
        bool save;
        TRY(remember_state(d));
        TRY(ascent_step(d->ascent, d->step, &save));
        d->step++;
        if (save || job->stopping)
            TRY(keep_state(d));
    }
    return STATUS_OK;
}

// Stopped below full size: the original with the detail dreamed so far, or the dream enlarged. d->image is the result.
static enum status finish_early(struct dream *d)
{
    if (d->octave >= 0 && is_last(d))
        return STATUS_OK;
    TRY(find_masking(d, &d->original));
    if (d->octave >= 0 && !d->config->octaves.detail)
        return enlarge(d, &d->original);
    if (d->octave >= 0)
        slab_add(&d->image, &d->base, -1);
    TRY(add_enlarged(d, &d->original));
    slab_clip(&d->original, d->config->clip == CLIP_COLOUR);
    d->image = d->original;
    d->original = (struct slab){0};
    return STATUS_OK;
}

static enum status climb(struct dream *d, struct image_outcome *outcome)
{
    if (d->job->from) {
        TRY(enter_again(d));
        TRY(climb_octave(d));
    } else if (!d->job->bare) {
        TRY(evaluate_original(d));
    }
    while (d->octave < d->octave_count - 1 && !d->job->stopping) {
        TRY(enter_octave(d, d->octave + 1));
        TRY(climb_octave(d));
    }
    outcome->before = d->before;
    outcome->stopped = d->job->stopping && !(is_last(d) && d->step == d->steps);
    return outcome->stopped ? finish_early(d) : finish(d, outcome);
}

enum status dream_image(struct image_job *job, struct slab *rgb, struct image_outcome *outcome)
{
    struct dream d = {.job = job, .config = job->objective->config, .original = *rgb, .octave = -1, .before = picture_metrics_unknown()};
    const double start = now();
    d.steps = job->steps > 0 ? job->steps : d.config->steps;
    d.octave_count = geometry_octaves(rgb->width, rgb->height, &d.config->octaves, d.octaves);
    frames_init(&d.frames, job, rgb->width, rgb->height);
    *rgb = (struct slab){0};
    *outcome = (struct image_outcome){.before = picture_metrics_unknown(), .after = picture_metrics_unknown()};
    const enum status rc = climb(&d, outcome);
    leave_octave(&d);
    slab_destroy(&d.kept);
    if (job->dreamed)
        slab_destroy(job->dreamed);
    slab_destroy(&d.base);
    if (rc == STATUS_OK)
        *rgb = d.image;
    else
        slab_destroy(&d.image);
    slab_destroy(&d.original);
    outcome->seconds = now() - start;
    outcome->broken = rc != STATUS_OK && !job->team->agreed && job->team->size > 1;
    return rc;
}
