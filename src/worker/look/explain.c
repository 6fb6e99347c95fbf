// SPDX-License-Identifier: MIT
#include "worker/look/explain.h"

#include <math.h>
#include <stdlib.h>

#include "common/system/clock.h"
#include "common/system/rng.h"
#include "worker/look/cam.h"
#include "worker/look/choice.h"
#include "worker/look/expected_gradients.h"
#include "worker/look/importance.h"
#include "worker/look/metrics.h"

// Slabs hold this member's rows.
struct explanation {
    struct image_job *job;
    const struct config *config;
    const struct objective *objective;
    struct slab picture, gradient, scratch, mixed, sum;
    struct baselines baselines;
    struct sweep *sweep;
    struct features features;
    double passes;    // so far
    enum status sent; // the first failure of this member to send
};

static void count_passes(void *context, double passes)
{
    struct explanation *e = context;
    e->passes += passes;
    if (e->job->part && e->job->team->rank == 0)
        e->job->part(e->passes * e->picture.width * e->picture.height, e->job->context);
}

static enum status make_room(struct explanation *e)
{
    const struct slab *picture = &e->picture;
    struct slab *const slabs[] = {&e->gradient, &e->scratch, &e->mixed, &e->sum};
    TRY(sweep_create(&e->sweep, e->job, picture->width, picture->height, 0));
    TRY(features_create(&e->features, e->objective, e->job->team, sweep_tiling(e->sweep), (1u << e->objective->count) - 1));
    for (size_t i = 0; i < sizeof slabs / sizeof slabs[0]; i++)
        TRY(slab_create(slabs[i], picture->width, picture->height, picture->rows));
    return STATUS_OK;
}

static struct array_part part_of(const struct explanation *e, enum array_kind kind, int target, int variant)
{
    return (struct array_part){.image = e->job->image, .kind = kind, .target = target, .variant = variant, .frame = -1};
}

// A member that cannot send, for want of memory, goes on with the others until they all hear of it (agree_on_sending).
static void note_sending(struct explanation *e, enum status rc)
{
    e->sent = e->sent == STATUS_OK ? rc : e->sent;
}

static enum status agree_on_sending(struct explanation *e)
{
    return team_agree(e->job->team, e->sent);
}

static void send_rows(struct explanation *e, struct array_part part, const struct slab *slab, int channels)
{
    note_sending(e, outbox_send_rows(e->job->outbox, part, slab, channels));
}

// What all members have, from the first.
static void send_whole(struct explanation *e, struct array_part part, int channels, int height, int width, const float *values)
{
    if (e->job->team->rank == 0)
        note_sending(e, outbox_send_whole(e->job->outbox, part, channels, height, width, values));
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
    for (int i = e->features.mine.begin; i < e->features.mine.end; i++) {
        const struct feature *feature = features_at(&e->features, i, target);
        struct array_part part = part_of(e, ARRAY_ACTIVATION, target, 0);
        float *values;
        TRY(ALLOCATE(values, (size_t)feature->channels * (size_t)feature->at.width * (size_t)feature->at.height + 1,
                     "to send activations"));
        unblock(feature, values);
        part.channels = feature->channels;
        part.height = grid.height;
        part.width = grid.width;
        part.y = feature->at.y;
        part.x = feature->at.x;
        part.rows = feature->at.height;
        part.columns = feature->at.width;
        TRY(outbox_send(e->job->outbox, &part, values));
    }
    return STATUS_OK;
}

static enum status send_maps(struct explanation *e, int target)
{
    const bool class = e->config->objective == OBJECTIVE_CLASS;
    for (int method = CAM_GRAD; method <= (class ? CAM_CLASS : CAM_HIRES); method++) {
        struct array_part part = part_of(e, ARRAY_CAM, target, method);
        struct heat map;
        TRY(cam_make(&e->features, target, (enum config_cam)method, 0, 0, &map, &part.facts[0]));
        part.grid = map.grid;
        send_whole(e, part, 1, map.grid.height, map.grid.width, map.values);
        if (target == cam_target(e->objective) && method == (int)e->config->cam.method) { // for the run file, as of a dream's first frame
            part.kind = ARRAY_HEAT;
            part.frame = 0;
            send_whole(e, part, 1, map.grid.height, map.grid.width, map.values);
        }
        heat_destroy(&map);
    }
    return STATUS_OK;
}

static enum status send_importance(struct explanation *e, int target)
{
    const int channels = e->objective->channels[target];
    struct array_part part = part_of(e, ARRAY_IMPORTANCE, target, 0);
    float *importance;
    TRY(ALLOCATE(importance, channels, "for the importance of channels"));
    const enum status rc = importance_gradient_activation(&e->features, target, importance);
    part.facts[0] = part.facts[1] = part.facts[2] = NAN;
    choice_mark(e->objective, target, importance);
    if (rc == STATUS_OK)
        send_whole(e, part, channels, 1, 1, importance);
    free(importance);
    return rc;
}

// The plain gradient and what is seen on its way: metrics, maps, importance, activations.
static enum status send_gradient(struct explanation *e, struct picture_metrics *metrics)
{
    const struct sweep_pass pass = {.image = &e->picture,
                                    .rule = {.mode = GRADIENT_MODE_PLAIN},
                                    .gradient = &e->gradient,
                                    .scratch = &e->scratch,
                                    .features = &e->features};
    struct sweep_losses losses;
    image_job_ask(e->job);
    TRY(sweep_run(e->sweep, &pass, &losses));
    count_passes(e, 1);
    TRY(metrics_measure(&e->features, losses.targets, metrics->targets));
    metrics->loss = losses.total;
    for (int t = 0; t < e->objective->count; t++) {
        TRY(send_maps(e, t));
        TRY(send_importance(e, t));
        note_sending(e, send_activations(e, t));
    }
    send_rows(e, part_of(e, ARRAY_GRADIENT, -1, 0), &e->gradient, 3);
    return agree_on_sending(e);
}

static enum status send_guided_gradient(struct explanation *e)
{
    const struct sweep_pass pass = {.image = &e->picture,
                                    .rule = {.mode = e->config->gradient == GRADIENT_DECONV ? GRADIENT_MODE_DECONV : GRADIENT_MODE_GUIDED},
                                    .gradient = &e->gradient,
                                    .scratch = &e->scratch};
    struct sweep_losses losses;
    TRY(sweep_run(e->sweep, &pass, &losses));
    count_passes(e, 1);
    send_rows(e, part_of(e, ARRAY_GUIDED_GRADIENT, -1, 0), &e->gradient, 3);
    return agree_on_sending(e);
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
            rng_normal(e->config->seed, e->job->picture, sample, (int64_t)c * picture->height + y, picture->width, out);
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

static enum status send_smoothgrad(struct explanation *e)
{
    const int samples = e->config->saliency.samples;
    const struct sweep_pass pass = {
        .image = &e->mixed, .rule = {.mode = GRADIENT_MODE_PLAIN}, .gradient = &e->gradient, .scratch = &e->scratch};
    struct array_part part = part_of(e, ARRAY_SMOOTHGRAD, -1, 0);
    struct sweep_losses losses;
    slab_fill(&e->sum, 0);
    for (int sample = 0; sample < samples && !e->job->stopping; sample++) {
        add_noise(e, sample);
        image_job_ask(e->job);
        TRY(sweep_run(e->sweep, &pass, &losses));
        add_saliency(e, 1.0f / (float)samples);
        count_passes(e, 1);
    }
    part.facts[0] = samples;
    part.facts[1] = e->config->saliency.noise;
    if (samples > 0 && !e->job->stopping)
        send_rows(e, part, &e->sum, 1);
    return agree_on_sending(e);
}

static enum status send_baselines(struct explanation *e)
{
    for (int b = 0; b < e->baselines.count; b++) {
        struct array_part part = part_of(e, ARRAY_BASELINE, -1, e->baselines.kinds[b]);
        part.facts[0] = e->baselines.kinds[b] == BASELINE_BLURRED ? e->baselines.blur_sigma : 0;
        send_rows(e, part, &e->baselines.slabs[b], 3);
    }
    return agree_on_sending(e);
}

static void set_facts(struct array_part *part, const struct expectation *expectation)
{
    part->facts[0] = expectation->value;
    part->facts[1] = expectation->expected;
    part->facts[2] = expectation->residual;
}

// Channels of the targets through which all of the network passes.
static enum status send_expected_importance(struct explanation *e, const struct expected_gradients *expected)
{
    const struct objective *objective = e->objective;
    float *importance[CONFIG_TARGETS_MAX] = {NULL};
    struct expectation expectations[CONFIG_TARGETS_MAX];
    enum status rc = STATUS_OK;
    for (int t = 0; t < objective->count; t++)
        if (network_is_cut(network_inception_v3(), objective->rows[t]))
            TRY_OUT(ALLOCATE(importance[t], objective->channels[t], "for the importance of channels"));
    TRY_OUT(expected_gradients_importance(expected, importance, expectations));
    for (int t = 0; t < objective->count; t++) {
        struct array_part part = part_of(e, ARRAY_IMPORTANCE_EXPECTED, t, 0);
        if (!importance[t] || e->job->stopping)
            continue;
        set_facts(&part, &expectations[t]);
        choice_mark(objective, t, importance[t]);
        send_whole(e, part, objective->channels[t], 1, 1, importance[t]);
    }
    rc = agree_on_sending(e);
out:
    for (int t = 0; t < objective->count; t++)
        free(importance[t]);
    return rc;
}

static enum status send_expected_gradients(struct explanation *e)
{
    const struct expected_gradients expected = {
        .job = e->job, .sweep = e->sweep, .picture = &e->picture, .baselines = &e->baselines, .passed = count_passes, .context = e};
    struct array_part part = part_of(e, ARRAY_EXPECTED_GRADIENTS, -1, 0);
    struct expectation expectation;
    if (!expected_gradients_are_on(&expected) || e->job->stopping)
        return STATUS_OK;
    TRY(send_baselines(e));
    TRY(send_expected_importance(e, &expected));
    if (e->job->stopping)
        return STATUS_OK;
    TRY(expected_gradients_pixels(&expected, &e->gradient, &e->scratch, &e->mixed, &e->sum, &expectation));
    set_facts(&part, &expectation);
    if (!e->job->stopping)
        send_rows(e, part, &e->sum, 3);
    return agree_on_sending(e);
}

static enum status explain(struct explanation *e, struct picture_metrics *metrics)
{
    TRY(team_agree(e->job->team, make_room(e)));
    TRY(send_gradient(e, metrics));
    TRY(send_guided_gradient(e));
    TRY(send_smoothgrad(e));
    TRY(baselines_make(&e->baselines, e->job, &e->picture));
    return send_expected_gradients(e);
}

enum status explain_image(struct image_job *job, struct slab *rgb, struct image_outcome *outcome)
{
    struct explanation e = {.job = job, .config = job->objective->config, .objective = job->objective, .picture = *rgb};
    const double start = now();
    *rgb = (struct slab){0};
    *outcome = (struct image_outcome){.before = picture_metrics_unknown(), .after = picture_metrics_unknown()};
    const enum status rc = explain(&e, &outcome->before);
    features_destroy(&e.features);
    sweep_destroy(&e.sweep);
    baselines_destroy(&e.baselines);
    slab_destroy(&e.gradient);
    slab_destroy(&e.scratch);
    slab_destroy(&e.mixed);
    slab_destroy(&e.sum);
    slab_destroy(&e.picture);
    outcome->stopped = job->stopping;
    outcome->seconds = now() - start;
    outcome->broken = rc != STATUS_OK && !job->team->agreed && job->team->size > 1;
    return rc;
}

double explain_passes(const struct objective *objective, int baselines)
{
    const struct config *config = objective->config;
    const int samples = config->importance.samples / (baselines ? baselines : 1);
    const int each = samples > 1 ? samples : config->importance.samples > 0;
    return 2 + config->saliency.samples + baselines * each * (1 + expected_gradients_importance_passes(objective));
}
