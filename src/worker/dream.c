// SPDX-License-Identifier: MIT
#include "worker/dream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/geometry.h"
#include "common/rng.h"
#include "kernels/network.h"
#include "worker/rescale.h"
#include "worker/rows.h"
#include "worker/shaping.h"
#include "worker/sweep.h"

// One image on its way up. Fields hold this member's rows; of the gradient also those around them that smoothing reads.
struct dream {
    const struct dream_options *options;
    const struct config *config;
    struct octave full;
    struct field original; // full size; empty at the last octave, which is dreamed in its place
    struct field image;    // the dream at the current octave
    struct field gradient, scratch;
    struct sweep *sweep;
    struct rows *neighbours;           // of the image's rows held here
    double (*bands)[1 + SHAPING_SUMS]; // of this member's rows: total variation, then shaping_sums()
    double *total_variation;           // of the same bands
    double (*sums)[SHAPING_SUMS];
    struct span *shares; // [team->size] bands of each member
    int octave;
    struct octave size;
    bool stopping;
};

static void clip(struct field *field)
{
    const size_t count = field_count(field);
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++)
        field->data[i] = field->data[i] < -1 ? -1 : field->data[i] > 1 ? 1 : field->data[i];
}

static void leave_octave(struct dream *d)
{
    sweep_destroy(&d->sweep);
    rows_destroy(&d->neighbours);
    field_destroy(&d->gradient);
    field_destroy(&d->scratch);
    free(d->bands);
    free(d->total_variation);
    free(d->sums);
    free(d->shares);
    d->shares = NULL;
    d->bands = NULL;
    d->total_variation = NULL;
    d->sums = NULL;
}

static void tell_part(double done, void *context)
{
    const struct dream *d = context;
    if (d->options->part)
        d->options->part(done * d->size.width * d->size.height, d->options->context);
}

static enum status make_sweep(struct dream *d, struct octave size)
{
    const struct dream_options *o = d->options;
    return sweep_create(&d->sweep, &(struct sweep_options){.team = o->team,
                                                           .engine = o->engine,
                                                           .objective = o->objective,
                                                           .rules = o->rules,
                                                           .width = size.width,
                                                           .height = size.height,
                                                           .margin = shaping_margin(d->config->smooth),
                                                           .progress = tell_part,
                                                           .context = d});
}

static enum status make_room(struct dream *d, struct octave size)
{
    enum status rc;
    TRY(make_sweep(d, size));
    TRY(rows_create_neighbours(&d->neighbours, d->options->team, size.width, size.height));
    const struct span rows = sweep_gradient_rows(d->sweep);
    const size_t bands = (size_t)shaping_bands(sweep_rows(d->sweep)) + 1;
    TRY(field_create(&d->gradient, size.width, size.height, rows));
    TRY(field_create(&d->scratch, size.width, size.height, rows));
    d->bands = calloc(bands, sizeof *d->bands);
    d->total_variation = calloc(bands, sizeof *d->total_variation);
    d->sums = calloc(bands, sizeof *d->sums);
    d->shares = calloc((size_t)d->options->team->size, sizeof *d->shares);
    if (!d->bands || !d->total_variation || !d->sums || !d->shares) {
        rc = fail(STATUS_LIMIT, "no memory for the sums of an octave");
        goto out;
    }
    for (int m = 0; m < d->options->team->size; m++)
        d->shares[m].end = shaping_bands(tiling_rows(size.height, d->options->team->size, m));
out:
    return rc;
}

// The loss of `image` at full size, without going back.
static enum status full_loss(struct dream *d, const struct field *image, double *loss)
{
    double target_loss[CONFIG_TARGETS_MAX];
    enum status rc = STATUS_OK;
    if (!d->sweep)
        TRY(team_agree(d->options->team, make_sweep(d, d->full)));
    d->stopping = d->stopping || d->options->stop(d->options->context);
    rc = sweep_run(d->sweep, image, 0, 0, NULL, NULL, loss, target_loss, &d->stopping);
out:
    return rc;
}

// Total variation of the image and, if it is wanted, its part in the gradient.
static enum status vary(struct dream *d)
{
    enum status rc;
    TRY(rows_end(d->neighbours));
    const float *above = rows_values(d->neighbours, 0), *below = rows_values(d->neighbours, 1);
    const double start = now();
    shaping_total_variation(&d->image, below, d->total_variation);
    if (d->config->total_variation > 0)
        shaping_add_total_variation(&d->gradient, &d->image, above, below, d->config->total_variation);
    timing_add(d->options->team->timing, PHASE_SHAPE, start, 0);
out:
    return rc;
}

// Sums over the octave: total variation of the image, then those of the gradient.
static enum status add_up(struct dream *d, double sums[1 + SHAPING_SUMS])
{
    const int bands = shaping_bands(d->image.rows);
    const double start = now();
    shaping_sums(&d->gradient, d->image.rows, d->sums);
    for (int b = 0; b < bands; b++) {
        d->bands[b][0] = d->total_variation[b];
        memcpy(&d->bands[b][1], d->sums[b], sizeof d->sums[b]);
    }
    timing_add(d->options->team->timing, PHASE_SHAPE, start, 0);
    return team_sum(d->options->team, d->bands[0], d->shares, 1 + SHAPING_SUMS, sums, &d->stopping);
}

static enum status take_step(struct dream *d, int step)
{
    const struct dream_options *o = d->options;
    const struct config *config = d->config;
    const int width = d->size.width, height = d->size.height;
    const double start = now(), samples = 3.0 * width * height;
    struct step_record record = {.image = o->image, .octave = d->octave, .step = step, .width = width, .height = height};
    double sums[1 + SHAPING_SUMS];
    int dy, dx;
    enum status rc;
    rng_jitter(config->seed, o->image, d->octave, step, config->jitter, &dy, &dx);
    TRY(rows_begin(d->neighbours, &d->image));
    TRY(sweep_run(d->sweep, &d->image, dy, dx, &d->gradient, &d->scratch, &record.loss, record.target_loss, &d->stopping));
    double at = now();
    if (config->smooth > 0)
        shaping_smooth(&d->gradient, &d->scratch, config->smooth);
    timing_add(o->team->timing, PHASE_SHAPE, at, 0);
    TRY(vary(d));
    d->stopping = d->stopping || o->stop(o->context);
    TRY(add_up(d, sums));
    const struct gradient_norms norms = shaping_norms(sums + 1, samples);
    if (!isfinite(record.loss) || !isfinite(norms.l2)) { // by the same sums on every member
        o->team->agreed = true;
        rc = fail(STATUS_INTERNAL, "the gradient of octave %d, step %d is not finite", d->octave, step);
        goto out;
    }
    at = now();
    shaping_ascend(&d->image, &d->gradient, config->step_size * pow(config->step_decay, step) / shaping_divisor(&norms, config->normalize));
    timing_add(o->team->timing, PHASE_SHAPE, at, 0);
    record.total_variation = sums[0] / samples;
    record.gradient_norm = norms.l2;
    record.seconds = now() - start;
    if (o->team->rank == 0)
        o->step(&record, o->context);
out:
    return rc;
}

// d->image minus the original at its size: what has been dreamed so far.
static enum status keep_detail(struct dream *d)
{
    const size_t count = field_count(&d->image);
    struct field base;
    enum status rc;
    TRY(rescale(d->options->team, &d->original, d->size.width, d->size.height, &base));
    clip(&base); // the filter overshoots
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++)
        d->image.data[i] -= base.data[i];
    field_destroy(&base);
out:
    return rc;
}

// to += d->image, enlarged; nothing to add before the first octave.
static enum status add_enlarged(struct dream *d, struct field *to)
{
    const size_t count = field_count(to);
    struct field larger;
    enum status rc = STATUS_OK;
    if (!d->image.data)
        return STATUS_OK;
    TRY(rescale(d->options->team, &d->image, to->width, to->height, &larger));
    field_destroy(&d->image);
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++)
        to->data[i] += larger.data[i];
    field_destroy(&larger);
out:
    return rc;
}

// Moves from the current octave, if there is one, to this one. The last one is the original's size and takes its place.
static enum status enter_octave(struct dream *d, int octave, struct octave size, bool last)
{
    const bool first = d->octave < 0, detail = d->config->octaves.detail;
    struct field next = {0};
    enum status rc = STATUS_OK;
    leave_octave(d);
    if (!first && !detail) {
        TRY(rescale(d->options->team, &d->image, size.width, size.height, &next));
        field_destroy(&d->image);
    } else {
        if (!first)
            TRY(keep_detail(d));
        if (last) {
            next = d->original;
            d->original = (struct field){0};
        } else {
            TRY(rescale(d->options->team, &d->original, size.width, size.height, &next));
            clip(&next);
        }
        TRY(add_enlarged(d, &next));
    }
    if (last)
        field_destroy(&d->original);
    clip(&next);
    d->image = next;
    next = (struct field){0};
    d->octave = octave;
    d->size = size;
    rc = team_agree(d->options->team, make_room(d, size));
out:
    field_destroy(&next);
    return rc;
}

// Stopped below full size: the original with the detail dreamed so far. d->image is the result.
static enum status finish_early(struct dream *d)
{
    enum status rc = STATUS_OK;
    if (!d->original.data)
        return STATUS_OK; // at full size
    if (d->image.data)
        TRY(keep_detail(d));
    TRY(add_enlarged(d, &d->original));
    clip(&d->original);
    d->image = d->original;
    d->original = (struct field){0};
out:
    return rc;
}

static enum status climb(struct dream *d, struct dream_outcome *outcome)
{
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    const int count =
        geometry_octaves(d->full.width, d->full.height, d->config->octaves.count, d->config->octaves.scale, NETWORK_MIN_SIDE, octaves);
    int left = count * d->config->steps;
    enum status rc;
    TRY(full_loss(d, &d->original, &outcome->loss_before));
    for (int k = 0; k < count && !(d->stopping && left > 0); k++) {
        TRY(enter_octave(d, k, octaves[k], k == count - 1));
        for (int step = 0; step < d->config->steps && !d->stopping; step++, left--)
            TRY(take_step(d, step));
    }
    outcome->stopped = d->stopping && left > 0;
    if (outcome->stopped)
        rc = finish_early(d);
    else
        rc = full_loss(d, &d->image, &outcome->loss_after);
out:
    return rc;
}

enum status dream_image(const struct dream_options *options, struct field *rgb, struct dream_outcome *outcome)
{
    struct dream d = {
        .options = options, .config = options->objective->config, .full = {rgb->width, rgb->height}, .original = *rgb, .octave = -1};
    const double start = now();
    *rgb = (struct field){0};
    *outcome = (struct dream_outcome){.loss_before = NAN, .loss_after = NAN};
    const enum status rc = climb(&d, outcome);
    leave_octave(&d);
    *rgb = d.image.data && rc == STATUS_OK ? d.image : d.original;
    if (d.image.data != rgb->data)
        field_destroy(&d.image);
    if (d.original.data != rgb->data)
        field_destroy(&d.original);
    outcome->seconds = now() - start;
    outcome->broken = rc != STATUS_OK && !options->team->agreed && options->team->size > 1;
    return rc;
}
