// SPDX-License-Identifier: MIT
#include "worker/look/explain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/clock.h"
#include "common/system/rng.h"
#include "worker/look/cam.h"
#include "worker/look/choice.h"
#include "worker/look/expected_gradients.h"
#include "worker/look/explain_send.h"
#include "worker/look/faithfulness.h"
#include "worker/look/importance.h"
#include "worker/look/map_list.h"
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
    struct explain_send send;
    struct map_list maps; // to be judged; zeroed: none are
    struct heat grad_cams[CONFIG_TARGETS_MAX];
    double passes; // so far
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
    for (size_t i = 0; i < sizeof slabs / sizeof slabs[0]; i++)
        TRY(slab_create(slabs[i], picture->width, picture->height, picture->rows));
    return STATUS_OK;
}

static enum status make_network(struct explanation *e)
{
    TRY(sweep_create(&e->sweep, e->job, e->picture.width, e->picture.height, 0));
    return features_create(&e->features, e->objective, e->job->team, sweep_tiling(e->sweep), (1u << e->objective->count) - 1);
}

static void destroy_network(struct explanation *e)
{
    features_destroy(&e->features);
    sweep_destroy(&e->sweep);
    for (int t = 0; t < CONFIG_TARGETS_MAX; t++)
        heat_destroy(&e->grad_cams[t]);
}

static enum status send_map(struct explanation *e, int target, enum config_cam method)
{
    struct array_part part = explain_part(&e->send, ARRAY_CAM, target, (int)method);
    struct heat map;
    enum status rc;
    TRY(cam_make(&e->features, target, method, 0, 0, &map, &part.facts[0]));
    part.grid = map.grid;
    explain_send_whole(&e->send, part, 1, map.grid.height, map.grid.width, map.values);
    if (target == cam_target(e->objective) && method == e->config->cam.method) { // for the run file, as of a dream's first frame
        part.kind = ARRAY_HEAT;
        part.frame = 0;
        explain_send_whole(&e->send, part, 1, map.grid.height, map.grid.width, map.values);
    }
    rc = map_list_add_heat(&e->maps, (enum explained_map)method, target, &map);
    if (method == CAM_GRAD)
        e->grad_cams[target] = map;
    else
        heat_destroy(&map);
    return rc;
}

static enum status send_maps(struct explanation *e, int target)
{
    const bool class = e->config->objective == OBJECTIVE_CLASS;
    for (int method = CAM_GRAD; method <= (class ? CAM_CLASS : CAM_HIRES); method++)
        TRY(send_map(e, target, (enum config_cam)method));
    return STATUS_OK;
}

static enum status send_importance(struct explanation *e, int target)
{
    const int channels = e->objective->channels[target];
    struct array_part part = explain_part(&e->send, ARRAY_IMPORTANCE, target, 0);
    float *importance;
    TRY(ALLOCATE(importance, channels, "for the importance of channels"));
    const enum status rc = importance_gradient_activation(&e->features, target, importance);
    part.facts[0] = part.facts[1] = part.facts[2] = NAN;
    choice_mark(e->objective, target, importance);
    if (rc == STATUS_OK)
        explain_send_whole(&e->send, part, channels, 1, 1, importance);
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
        explain_send_activations(&e->send, &e->features, t);
    }
    explain_send_rows(&e->send, explain_part(&e->send, ARRAY_GRADIENT, -1, 0), &e->gradient, 3);
    TRY(map_list_add_largest(&e->maps, EXPLAINED_SALIENCY, -1, &e->gradient, NULL));
    return explain_send_agree(&e->send);
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
    explain_send_rows(&e->send, explain_part(&e->send, ARRAY_GUIDED_GRADIENT, -1, 0), &e->gradient, 3);
    TRY(map_list_add_largest(&e->maps, EXPLAINED_SALIENCY_GUIDED, -1, &e->gradient, NULL));
    for (int t = 0; t < e->objective->count; t++)
        TRY(map_list_add_largest(&e->maps, EXPLAINED_GUIDED_GRADCAM, t, &e->gradient, &e->grad_cams[t]));
    return explain_send_agree(&e->send);
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
    struct array_part part = explain_part(&e->send, ARRAY_SMOOTHGRAD, -1, 0);
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
    if (samples > 0 && !e->job->stopping) {
        explain_send_rows(&e->send, part, &e->sum, 1);
        TRY(map_list_add_plane(&e->maps, EXPLAINED_SMOOTHGRAD, &e->sum));
    }
    return explain_send_agree(&e->send);
}

static enum status send_baselines(struct explanation *e)
{
    for (int b = 0; b < e->baselines.count; b++) {
        struct array_part part = explain_part(&e->send, ARRAY_BASELINE, -1, e->baselines.kinds[b]);
        part.facts[0] = e->baselines.kinds[b] == BASELINE_BLURRED ? e->baselines.blur_sigma : 0;
        explain_send_rows(&e->send, part, &e->baselines.slabs[b], 3);
    }
    return explain_send_agree(&e->send);
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
        struct array_part part = explain_part(&e->send, ARRAY_IMPORTANCE_EXPECTED, t, 0);
        if (!importance[t] || e->job->stopping)
            continue;
        set_facts(&part, &expectations[t]);
        choice_mark(objective, t, importance[t]);
        explain_send_whole(&e->send, part, objective->channels[t], 1, 1, importance[t]);
    }
    rc = explain_send_agree(&e->send);
out:
    for (int t = 0; t < objective->count; t++)
        free(importance[t]);
    return rc;
}

static enum status send_expected_gradients(struct explanation *e)
{
    const struct expected_gradients expected = {
        .job = e->job, .sweep = e->sweep, .picture = &e->picture, .baselines = &e->baselines, .passed = count_passes, .context = e};
    struct array_part part = explain_part(&e->send, ARRAY_EXPECTED_GRADIENTS, -1, 0);
    struct expectation expectation;
    if (!expected_gradients_are_on(&expected) || e->job->stopping)
        return STATUS_OK;
    if (!e->send.silent) {
        TRY(send_baselines(e));
        TRY(send_expected_importance(e, &expected));
    }
    if (e->job->stopping)
        return STATUS_OK;
    TRY(expected_gradients_pixels(&expected, &e->gradient, &e->scratch, &e->mixed, &e->sum, &expectation));
    set_facts(&part, &expectation);
    if (!e->job->stopping) {
        explain_send_rows(&e->send, part, &e->sum, 3);
        TRY(map_list_add_sum(&e->maps, EXPLAINED_EXPECTED_GRADIENTS, &e->sum));
    }
    return explain_send_agree(&e->send);
}

// Everything that one network, of the trained weights or of random ones, has to say.
static enum status look(struct explanation *e, struct picture_metrics *metrics)
{
    TRY(team_agree(e->job->team, make_network(e)));
    TRY(send_gradient(e, metrics));
    TRY(send_guided_gradient(e));
    TRY(send_smoothgrad(e));
    return send_expected_gradients(e);
}

// The maps that random weights give.
static enum status look_untrained(struct explanation *e, struct map_list *maps)
{
    struct image_job job = *e->job;
    struct explanation untrained = *e;
    struct picture_metrics metrics;
    job.engine = e->job->randomised;
    untrained.job = &job;
    untrained.send = (struct explain_send){.job = &job, .silent = true};
    untrained.sweep = NULL;
    untrained.features = (struct features){0};
    memset(untrained.grad_cams, 0, sizeof untrained.grad_cams);
    map_list_begin(&untrained.maps, job.team, e->picture.width, e->picture.height);
    const enum status rc = look(&untrained, &metrics);
    destroy_network(&untrained);
    engine_rest(job.engine);
    e->job->stopping = job.stopping;
    e->passes = untrained.passes;
    *maps = untrained.maps;
    return rc;
}

static void send_curves(struct explanation *e, const struct listed_map *map, const struct faithfulness *f,
                        const struct faithfulness_curves *curves, const struct map_list *untrained)
{
    const struct listed_map *same = map_list_find(untrained, map->kind, map->target);
    const struct cells *cells = &f->cells;
    struct array_part part = explain_part(&e->send, ARRAY_FAITHFULNESS, map->target, (int)map->kind);
    part.grid = (struct heat_grid){.height = cells->height, .width = cells->width, .stride = cells->side};
    part.facts[0] = curves->deletion_area;
    part.facts[1] = curves->insertion_area;
    part.facts[2] = same ? cells_correlation(cells, map->values, same->values) : NAN;
    part.facts[3] = f->none;
    explain_send_whole(&e->send, part, 2, 1, f->steps + 1, curves->values);
}

// How far each map can be believed.
static enum status judge(struct explanation *e)
{
    const int steps = e->config->faithfulness.steps, length = 2 * (steps + 1);
    struct map_list untrained = {0};
    struct faithfulness f = {.job = e->job,
                             .sweep = e->sweep,
                             .cells = e->maps.cells,
                             .picture = &e->picture,
                             .flat = &e->sum,
                             .mixed = &e->mixed,
                             .steps = steps,
                             .passed = count_passes,
                             .context = e};
    struct faithfulness_curves curves[EXPLAINED_MAPS_MAX];
    float *values = NULL;
    enum status rc;
    TRY_OUT(map_list_add_edges(&e->maps, &e->picture));
    TRY_OUT(map_list_add_random(&e->maps, e->config->seed, e->job->picture));
    rc = ALLOCATE(values, (size_t)e->maps.count * (size_t)length, "for the curves of %d maps", e->maps.count);
    TRY_OUT(team_agree(e->job->team, rc));
    TRY_OUT(faithfulness_begin(&f));
    for (int i = 0; i < e->maps.count && !e->job->stopping; i++) {
        curves[i].values = values + i * length;
        TRY_OUT(faithfulness_measure(&f, &e->maps, i, &curves[i]));
    }
    destroy_network(e);
    engine_rest(e->job->engine);
    if (!e->job->stopping)
        TRY_OUT(look_untrained(e, &untrained));
    for (int i = 0; i < e->maps.count && !e->job->stopping; i++)
        send_curves(e, &e->maps.items[i], &f, &curves[i], &untrained);
    rc = explain_send_agree(&e->send);
out:
    map_list_destroy(&untrained);
    free(values);
    return rc;
}

static enum status explain(struct explanation *e, struct picture_metrics *metrics)
{
    const bool judged = e->config->faithfulness.steps > 0;
    TRY(team_agree(e->job->team, make_room(e)));
    TRY(baselines_make(&e->baselines, e->job, &e->picture));
    if (judged)
        map_list_begin(&e->maps, e->job->team, e->picture.width, e->picture.height);
    TRY(look(e, metrics));
    return judged && !e->job->stopping ? judge(e) : STATUS_OK;
}

enum status explain_image(struct image_job *job, struct slab *rgb, struct image_outcome *outcome)
{
    struct explanation e = {
        .job = job, .config = job->objective->config, .objective = job->objective, .picture = *rgb, .send = {.job = job}};
    const double start = now();
    *rgb = (struct slab){0};
    *outcome = (struct image_outcome){.before = picture_metrics_unknown(), .after = picture_metrics_unknown()};
    const enum status rc = explain(&e, &outcome->before);
    destroy_network(&e);
    baselines_destroy(&e.baselines);
    map_list_destroy(&e.maps);
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
    const int each = samples > 1 ? samples : config->importance.samples > 0, points = baselines * each;
    const double once = 2 + config->saliency.samples + points, all = once + points * expected_gradients_importance_passes(objective);
    const int of_target = EXPLAINED_GUIDED_GRADCAM + (config->objective == OBJECTIVE_CLASS); // all kinds but CAM proper, or it too
    const int maps = objective->count * of_target + 4 + (config->saliency.samples > 0) + (points > 0);
    return config->faithfulness.steps > 0 ? all + once + faithfulness_passes(maps, config->faithfulness.steps) : all;
}
