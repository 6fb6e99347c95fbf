// SPDX-License-Identifier: MIT
#include "worker/dream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/geometry.h"
#include "common/resample.h"
#include "common/rng.h"
#include "kernels/network.h"
#include "worker/objective.h"
#include "worker/shaping.h"

// One image on its way up. Every array is (3, height, width) of an octave and has room for the largest.
struct dream {
    struct engine *engine;
    const struct config *config;
    const struct dream_hooks *hooks;
    int64_t image_id;
    const float *original; // full size
    int full_width, full_height;
    float *image; // the dream at the current octave
    float *base;  // the original at the current octave
    float *gradient;
    float *scratch;
    int octave; // current
    struct octave size;
};

static size_t samples(struct octave size)
{
    return 3 * (size_t)size.width * (size_t)size.height;
}

static void clip(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = values[i] < -1 ? -1 : values[i] > 1 ? 1 : values[i];
}

static enum gradient_mode mode_of(enum config_gradient gradient)
{
    switch (gradient) {
    case GRADIENT_PLAIN:
        return GRADIENT_MODE_PLAIN;
    case GRADIENT_DECONV:
        return GRADIENT_MODE_DECONV;
    case GRADIENT_GUIDED:
        break;
    }
    return GRADIENT_MODE_GUIDED;
}

// The loss of the dream as it is now, without going back.
static enum status current_loss(struct dream *d, double *loss)
{
    struct executor *executor;
    double target_loss[CONFIG_TARGETS_MAX];
    enum status rc;
    TRY(engine_executor(d->engine, d->size.width, d->size.height, &executor));
    memcpy(executor_image(executor), d->image, samples(d->size) * sizeof(float));
    TRY(executor_forward(executor));
    *loss = objective_loss(d->config, executor, target_loss);
out:
    return rc;
}

// d->gradient = d loss / d image, seen through a roll by the step's jitter.
static enum status find_gradient(struct dream *d, int step, struct step_record *record)
{
    const struct config *config = d->config;
    struct executor *executor;
    int dy, dx;
    enum status rc;
    rng_jitter(config->seed, d->image_id, d->octave, step, config->jitter, &dy, &dx);
    TRY(engine_executor(d->engine, d->size.width, d->size.height, &executor));
    geometry_roll(d->image, executor_image(executor), 3, d->size.width, d->size.height, dy, dx);
    TRY(executor_forward(executor));
    record->loss = objective_loss(config, executor, record->target_loss);
    objective_gradient(config, executor);
    TRY(executor_backward(executor, mode_of(config->gradient), network_find(network_inception_v3(), config->gradient_above)));
    geometry_roll(executor_gradient(executor), d->gradient, 3, d->size.width, d->size.height, -dy, -dx);
out:
    return rc;
}

static enum status take_step(struct dream *d, int step)
{
    const struct config *config = d->config;
    const int width = d->size.width, height = d->size.height;
    const double start = now();
    struct step_record record = {.image = d->image_id, .octave = d->octave, .step = step, .width = width, .height = height};
    enum status rc;
    TRY(find_gradient(d, step, &record));
    record.total_variation = shaping_total_variation(d->image, width, height);
    if (config->total_variation > 0)
        shaping_add_total_variation(d->gradient, d->image, width, height, config->total_variation);
    if (config->smooth > 0)
        shaping_smooth(d->gradient, d->scratch, width, height, config->smooth);
    const struct gradient_norms norms = shaping_norms(d->gradient, width, height);
    if (!isfinite(record.loss) || !isfinite(norms.l2)) {
        rc = fail(STATUS_INTERNAL, "the gradient of octave %d, step %d is not finite", d->octave, step);
        goto out;
    }
    record.gradient_norm = norms.l2;
    const double size = config->step_size * pow(config->step_decay, step);
    shaping_ascend(d->image, d->gradient, width, height, size / shaping_divisor(&norms, config->normalize));
    record.seconds = now() - start;
    d->hooks->step(&record, d->hooks->context);
out:
    return rc;
}

// d->gradient = what was dreamed at the current octave, enlarged to `size`: the detail over the base, or all of it.
static enum status enlarge(struct dream *d, struct octave size, bool detail)
{
    for (size_t i = 0; i < samples(d->size); i++)
        d->scratch[i] = detail ? d->image[i] - d->base[i] : d->image[i];
    return resample(d->scratch, 3, d->size.width, d->size.height, d->gradient, size.width, size.height);
}

// Moves image and base from the current octave, if there is one, to this one.
static enum status enter_octave(struct dream *d, int octave, struct octave size)
{
    const bool first = d->octave < 0, detail = d->config->octaves.detail;
    enum status rc = STATUS_OK;
    if (!first)
        TRY(enlarge(d, size, detail));
    TRY(resample(d->original, 3, d->full_width, d->full_height, d->base, size.width, size.height));
    clip(d->base, samples(size)); // the filter overshoots
    for (size_t i = 0; i < samples(size); i++)
        d->image[i] = first ? d->base[i] : detail ? d->base[i] + d->gradient[i] : d->gradient[i];
    clip(d->image, samples(size));
    d->octave = octave;
    d->size = size;
out:
    return rc;
}

// Stopped below full size: the original with the detail dreamed so far.
static enum status finish_early(struct dream *d, float *rgb)
{
    const struct octave full = {d->full_width, d->full_height};
    enum status rc;
    TRY(enlarge(d, full, true));
    for (size_t i = 0; i < samples(full); i++)
        rgb[i] += d->gradient[i];
    clip(rgb, samples(full));
out:
    return rc;
}

static enum status climb(struct dream *d, float *rgb, struct dream_outcome *outcome)
{
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    const struct octave full = {d->full_width, d->full_height};
    const int count =
        geometry_octaves(full.width, full.height, d->config->octaves.count, d->config->octaves.scale, NETWORK_MIN_SIDE, octaves);
    enum status rc = STATUS_OK;
    d->size = full;
    memcpy(d->image, rgb, samples(full) * sizeof(float));
    TRY(current_loss(d, &outcome->loss_before));
    for (int k = 0; k < count && !outcome->stopped; k++) {
        TRY(enter_octave(d, k, octaves[k]));
        for (int step = 0; step < d->config->steps && !outcome->stopped; step++) {
            outcome->stopped = d->hooks->stop(d->hooks->context);
            if (!outcome->stopped)
                TRY(take_step(d, step));
        }
    }
    if (outcome->stopped) {
        rc = finish_early(d, rgb);
        goto out;
    }
    TRY(current_loss(d, &outcome->loss_after));
    memcpy(rgb, d->image, samples(full) * sizeof(float));
out:
    return rc;
}

enum status dream_image(struct engine *engine, const struct config *config, int64_t image, float *rgb, int width, int height,
                        const struct dream_hooks *hooks, struct dream_outcome *outcome)
{
    struct dream d = {.engine = engine,
                      .config = config,
                      .hooks = hooks,
                      .image_id = image,
                      .original = rgb,
                      .full_width = width,
                      .full_height = height,
                      .octave = -1};
    const size_t bytes = samples((struct octave){width, height}) * sizeof(float);
    const double start = now();
    enum status rc;
    *outcome = (struct dream_outcome){.loss_before = NAN, .loss_after = NAN};
    d.image = malloc(bytes);
    d.base = malloc(bytes);
    d.gradient = malloc(bytes);
    d.scratch = malloc(bytes);
    if (!d.image || !d.base || !d.gradient || !d.scratch)
        rc = fail(STATUS_LIMIT, "no memory for the octaves of %d x %d pixels", width, height);
    else
        rc = climb(&d, rgb, outcome);
    free(d.image);
    free(d.base);
    free(d.gradient);
    free(d.scratch);
    outcome->seconds = now() - start;
    return rc;
}
