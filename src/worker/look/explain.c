// SPDX-License-Identifier: MIT
#include "worker/look/explain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/clock.h"
#include "common/system/rng.h"
#include "worker/look/baselines.h"
#include "worker/look/cam.h"
#include "worker/look/evaluation.h"
#include "worker/look/expected_gradients.h"
#include "worker/look/importance.h"
#include "worker/look/metrics.h"
#include "worker/network/sweep.h"

// Fields hold this member's rows.
struct explanation {
    const struct dream_options *options;
    const struct config *config;
    struct team *team;
    struct slab picture, gradient, scratch, mixed, sum;
    struct baselines baselines;
    struct sweep *sweep;
    struct features features;
    double passes;    // so far
    enum status sent; // of what this member sends
    bool stopping;
};

static void count_passes(void *context, double passes)
{
    struct explanation *e = context;
    e->passes += passes;
    if (e->options->part && e->team->rank == 0)
        e->options->part(e->passes * e->picture.width * e->picture.height, e->options->context);
}

static bool should_stop(void *context)
{
    const struct explanation *e = context;
    return e->options->stop(e->options->context);
}

static enum status make_room(struct explanation *e)
{
    const struct dream_options *o = e->options;
    const struct slab *picture = &e->picture;
    TRY(sweep_create(&e->sweep, &(struct sweep_options){.team = e->team,
                                                        .engine = o->engine,
                                                        .objective = o->objective,
                                                        .rules = o->rules,
                                                        .outbox = o->outbox,
                                                        .width = picture->width,
                                                        .height = picture->height}));
    TRY(features_create(&e->features, o->objective, e->team, sweep_tiling(e->sweep), sweep_work(e->sweep),
                        (1u << o->objective->count) - 1));
    TRY(slab_create(&e->gradient, picture->width, picture->height, picture->rows));
    TRY(slab_create(&e->scratch, picture->width, picture->height, picture->rows));
    TRY(slab_create(&e->mixed, picture->width, picture->height, picture->rows));
    return slab_create(&e->sum, picture->width, picture->height, picture->rows);
}

static struct array_part part_of(const struct explanation *e, enum array_kind kind, int target, int variant)
{
    return (struct array_part){.image = e->options->image, .kind = kind, .target = target, .variant = variant, .frame = -1};
}

// A member that has no memory for what it sends goes on with the others until they all look at it (agree).
static void keep(struct explanation *e, enum status rc)
{
    e->sent = e->sent == STATUS_OK ? rc : e->sent;
}

static enum status agree(struct explanation *e)
{
    return team_agree(e->team, e->sent);
}

// A copy of some planes of a field.
static enum status send_field(struct explanation *e, struct array_part part, const struct slab *field, int channels)
{
    const size_t bytes = (size_t)channels * slab_plane(field) * sizeof(float);
    float *values = malloc(bytes + 1);
    if (!values)
        return fail(STATUS_LIMIT, "no memory to send a map");
    memcpy(values, field->data, bytes);
    part.channels = channels;
    part.height = field->height;
    part.width = part.columns = field->width;
    part.y = field->rows.begin;
    part.rows = field->rows.end - field->rows.begin;
    return outbox_send(e->options->outbox, &part, values);
}

// From the first member: what all have. (channels, height, width)
static enum status send_whole(struct explanation *e, struct array_part part, int channels, int height, int width, const float *values)
{
    const size_t bytes = (size_t)channels * (size_t)height * (size_t)width * sizeof(float);
    if (e->team->rank != 0)
        return STATUS_OK;
    float *copy = malloc(bytes + 1);
    if (!copy)
        return fail(STATUS_LIMIT, "no memory to send what was found");
    memcpy(copy, values, bytes);
    part.channels = channels;
    part.height = part.rows = height;
    part.width = part.columns = width;
    return outbox_send(e->options->outbox, &part, copy);
}

// (channels / block, height, width, block) -> (channels, height, width)
static void unblock(const struct feature *feature, float *out)
{
    const size_t positions = (size_t)feature->at.width * (size_t)feature->at.height, block = (size_t)feature->block;
#pragma omp parallel for schedule(static)
    for (int c = 0; c < feature->channels; c++) {
        const float *in = feature->activation + ((size_t)c / block) * positions * block + (size_t)c % block;
        for (size_t p = 0; p < positions; p++)
            out[(size_t)c * positions + p] = in[p * block];
    }
}

static enum status send_activations(struct explanation *e, int target)
{
    const struct heat_grid grid = features_grid(&e->features, target, 0, 0);
    for (int i = 0; i < e->features.tiles; i++) {
        const struct feature *feature = features_at(&e->features, i, target);
        struct array_part part = part_of(e, ARRAY_ACTIVATION, target, 0);
        float *values = malloc((size_t)feature->channels * (size_t)feature->at.width * (size_t)feature->at.height * sizeof *values + 1);
        if (!values)
            return fail(STATUS_LIMIT, "no memory to send activations");
        unblock(feature, values);
        part.channels = feature->channels;
        part.height = grid.height;
        part.width = grid.width;
        part.y = feature->at.y;
        part.x = feature->at.x;
        part.rows = feature->at.height;
        part.columns = feature->at.width;
        TRY(outbox_send(e->options->outbox, &part, values));
    }
    return STATUS_OK;
}

static enum status send_maps(struct explanation *e, int target)
{
    const bool class = e->config->objective == OBJECTIVE_CLASS;
    for (int method = CAM_GRAD; method <= (class ? CAM_CLASS : CAM_LAYER); method++) {
        struct array_part part = part_of(e, ARRAY_CAM, target, method);
        struct heat map;
        TRY(cam_make(&e->features, target, (enum config_cam)method, 0, 0, &map, &part.facts[0]));
        part.grid = map.grid;
        keep(e, send_whole(e, part, 1, map.grid.height, map.grid.width, map.values));
        heat_destroy(&map);
    }
    return STATUS_OK;
}

static enum status send_importance(struct explanation *e, int target)
{
    const int channels = e->features.objective->channels[target];
    float *importance = malloc((size_t)channels * sizeof *importance);
    enum status rc;
    if (!importance)
        return fail(STATUS_LIMIT, "no memory for the importance of channels");
    TRY_OUT(importance_gradient_activation(&e->features, target, importance));
    struct array_part part = part_of(e, ARRAY_IMPORTANCE, target, 0);
    part.facts[0] = part.facts[1] = part.facts[2] = NAN;
    keep(e, send_whole(e, part, channels, 1, 1, importance));
out:
    free(importance);
    return rc;
}

// The plain gradient and what is seen on its way.
static enum status look(struct explanation *e, struct picture_metrics *metrics)
{
    const struct objective *objective = e->options->objective;
    const struct sweep_pass pass = {.image = &e->picture,
                                    .objective = objective,
                                    .rule = GRADIENT_PLAIN,
                                    .gradient = &e->gradient,
                                    .scratch = &e->scratch,
                                    .features = &e->features};
    struct sweep_losses losses;
    e->stopping = should_stop(e);
    TRY(sweep_run(e->sweep, &pass, &losses, &e->stopping));
    count_passes(e, 1);
    TRY(metrics_measure(&e->features, e->config->metrics.threshold, metrics->targets));
    metrics->loss = losses.total;
    for (int t = 0; t < objective->count; t++) {
        metrics->targets[t].loss = losses.targets[t];
        TRY(send_maps(e, t));
        TRY(send_importance(e, t));
        keep(e, send_activations(e, t));
    }
    keep(e, send_field(e, part_of(e, ARRAY_GRADIENT, -1, 0), &e->gradient, 3));
    return agree(e);
}

static enum status look_guided(struct explanation *e)
{
    const struct sweep_pass pass = {.image = &e->picture,
                                    .objective = e->options->objective,
                                    .rule = e->config->gradient == GRADIENT_PLAIN ? GRADIENT_GUIDED : e->config->gradient,
                                    .gradient = &e->gradient,
                                    .scratch = &e->scratch};
    struct sweep_losses losses;
    TRY(sweep_run(e->sweep, &pass, &losses, &e->stopping));
    count_passes(e, 1);
    keep(e, send_field(e, part_of(e, ARRAY_GUIDED_GRADIENT, -1, 0), &e->gradient, 3));
    return agree(e);
}

static void add_noise(struct explanation *e, int sample)
{
    const struct slab *picture = &e->picture;
    const float sigma = (float)e->config->saliency.noise;
#pragma omp parallel for collapse(2) schedule(static)
    for (int c = 0; c < 3; c++)
        for (int y = picture->rows.begin; y < picture->rows.end; y++) {
            const float *in = slab_row(picture, c, y);
            float *out = slab_row(&e->mixed, c, y);
            rng_normal(e->config->seed, e->options->image, sample, (int64_t)c * picture->height + y, picture->width, out);
            for (int x = 0; x < picture->width; x++)
                out[x] = in[x] + sigma * out[x];
        }
}

// sum += max over RGB of |gradient| / samples, in the first plane
static void add_saliency(struct explanation *e, float scale)
{
#pragma omp parallel for schedule(static)
    for (int y = e->sum.rows.begin; y < e->sum.rows.end; y++) {
        const float *rgb[3] = {slab_row(&e->gradient, 0, y), slab_row(&e->gradient, 1, y), slab_row(&e->gradient, 2, y)};
        float *out = slab_row(&e->sum, 0, y);
        for (int x = 0; x < e->sum.width; x++)
            out[x] += scale * fmaxf(fabsf(rgb[0][x]), fmaxf(fabsf(rgb[1][x]), fabsf(rgb[2][x])));
    }
}

static enum status smooth(struct explanation *e)
{
    const int samples = e->config->saliency.samples;
    const struct sweep_pass pass = {
        .image = &e->mixed, .objective = e->options->objective, .rule = GRADIENT_PLAIN, .gradient = &e->gradient, .scratch = &e->scratch};
    struct array_part part = part_of(e, ARRAY_SMOOTHGRAD, -1, 0);
    struct sweep_losses losses;
    memset(e->sum.data, 0, slab_count(&e->sum) * sizeof *e->sum.data);
    for (int sample = 0; sample < samples && !e->stopping; sample++) {
        add_noise(e, sample);
        e->stopping = should_stop(e);
        TRY(sweep_run(e->sweep, &pass, &losses, &e->stopping));
        add_saliency(e, 1.0f / (float)samples);
        count_passes(e, 1);
    }
    part.facts[0] = samples;
    part.facts[1] = e->config->saliency.noise;
    if (samples > 0 && !e->stopping)
        keep(e, send_field(e, part, &e->sum, 1));
    return agree(e);
}

static enum status send_baselines(struct explanation *e)
{
    for (int b = 0; b < e->baselines.count; b++) {
        struct array_part part = part_of(e, ARRAY_BASELINE, -1, e->baselines.kinds[b]);
        part.facts[0] = e->baselines.kinds[b] == BASELINE_BLURRED ? e->baselines.blur_sigma : 0;
        keep(e, send_field(e, part, &e->baselines.fields[b], 3));
    }
    return agree(e);
}

static void note(struct array_part *part, const struct expectation *expectation)
{
    part->facts[0] = expectation->value;
    part->facts[1] = expectation->expected;
    part->facts[2] = expectation->residual;
}

// Channels of the targets through which all of the network passes.
static enum status expect_channels(struct explanation *e, const struct expected_gradients_options *options)
{
    const struct objective *objective = options->objective;
    float *importance[CONFIG_TARGETS_MAX] = {NULL};
    struct expectation expectations[CONFIG_TARGETS_MAX];
    enum status rc = STATUS_OK;
    for (int t = 0; t < objective->count; t++) {
        if (!network_is_cut(network_inception_v3(), objective->rows[t]))
            continue;
        importance[t] = malloc((size_t)objective->channels[t] * sizeof *importance[t]);
        if (!importance[t]) {
            rc = fail(STATUS_LIMIT, "no memory for the importance of channels");
            goto out;
        }
    }
    TRY_OUT(expected_gradients_importance(options, importance, expectations));
    for (int t = 0; t < objective->count; t++) {
        struct array_part part = part_of(e, ARRAY_IMPORTANCE_EXPECTED, t, 0);
        note(&part, &expectations[t]);
        if (importance[t] && !e->stopping)
            keep(e, send_whole(e, part, objective->channels[t], 1, 1, importance[t]));
    }
    rc = agree(e);
out:
    for (int t = 0; t < objective->count; t++)
        free(importance[t]);
    return rc;
}

static enum status expect(struct explanation *e)
{
    const struct expected_gradients_options options = {.sweep = e->sweep,
                                                       .team = e->team,
                                                       .objective = e->options->objective,
                                                       .picture = &e->picture,
                                                       .baselines = e->baselines.fields,
                                                       .baseline_count = e->baselines.count,
                                                       .samples = e->config->importance.samples,
                                                       .stopping = &e->stopping,
                                                       .stop = should_stop,
                                                       .passed = count_passes,
                                                       .context = e};
    struct array_part part = part_of(e, ARRAY_EXPECTED_GRADIENTS, -1, 0);
    struct expectation expectation;
    enum status rc = STATUS_OK;
    if (options.samples == 0 || options.baseline_count == 0 || e->stopping)
        return STATUS_OK;
    TRY(send_baselines(e));
    TRY(expect_channels(e, &options));
    if (e->stopping)
        return rc;
    TRY(expected_gradients_pixels(&options, &e->gradient, &e->scratch, &e->mixed, &e->sum, &expectation));
    note(&part, &expectation);
    if (!e->stopping)
        keep(e, send_field(e, part, &e->sum, 3));
    return agree(e);
}

static enum status explain(struct explanation *e, struct picture_metrics *metrics)
{
    TRY(team_agree(e->team, make_room(e)));
    TRY(look(e, metrics));
    TRY(look_guided(e));
    TRY(smooth(e));
    TRY(baselines_make(&e->baselines, e->config, e->team, &e->picture, e->options->others, e->options->other_count));
    return expect(e);
}

enum status explain_image(const struct dream_options *options, struct slab *rgb, struct dream_outcome *outcome)
{
    struct explanation e = {.options = options, .config = options->objective->config, .team = options->team, .picture = *rgb};
    const double start = now();
    *rgb = (struct slab){0};
    *outcome = (struct dream_outcome){.before = picture_metrics_unknown(), .after = picture_metrics_unknown()};
    const enum status rc = explain(&e, &outcome->before);
    features_destroy(&e.features);
    sweep_destroy(&e.sweep);
    baselines_destroy(&e.baselines);
    slab_destroy(&e.gradient);
    slab_destroy(&e.scratch);
    slab_destroy(&e.mixed);
    slab_destroy(&e.sum);
    slab_destroy(&e.picture);
    outcome->stopped = e.stopping;
    outcome->seconds = now() - start;
    outcome->broken = rc != STATUS_OK && !options->team->agreed && options->team->size > 1;
    return rc;
}

double explain_passes(const struct objective *objective, int baselines)
{
    const struct config *config = objective->config;
    const int samples = config->importance.samples / (baselines ? baselines : 1);
    const int each = samples > 1 ? samples : config->importance.samples > 0;
    return 2 + config->saliency.samples + baselines * each * (1 + expected_gradients_importance_passes(objective));
}
