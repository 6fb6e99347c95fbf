// SPDX-License-Identifier: MIT
#include "worker/look/expected_gradients.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/clock.h"
#include "kernels/onednn/onednn.h"
#include "worker/team/slab_sums.h"

// From each baseline to the picture, in the activations of the targets that are asked for. Activations are kept over whole windows.
struct walk {
    const struct expected_gradients *options;
    const struct objective *objective;
    int order[CONFIG_TARGETS_MAX], count; // targets that are asked for, the deepest first
    int tiles;                            // of this member
    float **picture;                      // (tiles, targets)
    float *from[CONFIG_TARGETS_MAX];      // of the baseline, for one tile
    double *losses;                       // (tiles, 1 + baselines, targets) the loss's sums; of the picture first
    double *phi[CONFIG_TARGETS_MAX];      // (tiles, channels)
    double passes;                        // that a sample of one tile and all targets is worth
    int target, tile, baseline;           // being worked on; baseline -1: the picture
    struct rectangle at;                  // the target's positions that belong to the tile, in the window's grid
};

static size_t value_count(const struct tensor *tensor)
{
    return (size_t)tensor->channels * (size_t)tensor->height * (size_t)tensor->width;
}

static int samples_each(const struct expected_gradients *e)
{
    const int each = e->job->objective->config->importance.samples / e->baselines->count;
    return each > 1 ? each : 1;
}

// phi_c += sum over the tile's positions of the way from baseline to picture times the gradient.
static void take_gradient(void *context, int target, const struct tensor *gradient)
{
    const struct walk *w = context;
    const size_t block = (size_t)gradient->block, row = (size_t)gradient->width * block;
    double *phi = w->phi[target] + (size_t)w->tile * (size_t)gradient->channels;
    if (target != w->target)
        return;
    const float *picture = w->picture[w->tile * w->objective->count + target], *from = w->from[target];
#pragma omp parallel for schedule(static)
    for (int b = 0; b < gradient->channels / gradient->block; b++) {
        double lanes[ONEDNN_BLOCK_MAX] = {0};
        for (int y = w->at.y; y < w->at.y + w->at.height; y++) {
            const size_t first = ((size_t)b * (size_t)gradient->height + (size_t)y) * row + (size_t)w->at.x * block;
            for (size_t i = 0; i < (size_t)w->at.width; i++)
                for (size_t c = 0; c < block; c++) {
                    const size_t k = first + i * block + c;
                    lanes[c] += ((double)picture[k] - (double)from[k]) * (double)gradient->data[k];
                }
        }
        for (size_t c = 0; c < block; c++)
            phi[(size_t)b * block + c] += lanes[c];
    }
}

// All samples of one target between the baseline and the picture.
static enum status walk_target(struct walk *w, struct executor *executor, const struct objective_view *view)
{
    struct image_job *job = w->options->job;
    const struct tensor a = executor_target(executor, w->target);
    const size_t count = value_count(&a);
    const float *picture = w->picture[w->tile * w->objective->count + w->target], *from = w->from[w->target];
    const int samples = samples_each(w->options);
    double sums[CONFIG_TARGETS_MAX];
    w->at = objective_window_positions(w->objective, w->target, view);
    for (int i = 0; i < samples && !job->stopping; i++) {
        const float alpha = (float)((i + 0.5) / samples);
        image_job_ask(job);
#pragma omp parallel for simd schedule(static)
        for (size_t k = 0; k < count; k++)
            a.data[k] = from[k] + alpha * (picture[k] - from[k]);
        TRY(executor_forward_from(executor, w->target));
        TRY(objective_sums(w->objective, executor, view, sums)); // a guide's matches; the sums themselves are of no use
        objective_gradient(w->objective, executor, view);
        TRY(executor_backward(executor, (struct gradient_rule){.mode = GRADIENT_MODE_PLAIN}, w->target));
        if (w->options->passed && w->target == w->order[w->count - 1])
            w->options->passed(w->options->context, w->passes);
    }
    return STATUS_OK;
}

// From the deepest target to the first: the way back to a target destroys what lies behind it.
static enum status walk_targets(struct walk *w, struct executor *executor, const struct objective_view *view)
{
    const double start = now();
    enum status rc = STATUS_OK;
    executor_on_gradient(executor, take_gradient, w);
    for (int i = 0; i < w->count && rc == STATUS_OK; i++) {
        w->target = w->order[i];
        rc = walk_target(w, executor, view);
    }
    executor_on_gradient(executor, NULL, NULL);
    timing_add(w->options->job->team->timing, PHASE_ATTRIBUTION, start, 0);
    return rc;
}

// Keeps the activations of the picture or a baseline; from the latter it walks to the former.
static enum status visit(void *context, int tile, struct executor *executor, const struct objective_view *view)
{
    struct walk *w = context;
    const int pictures = 1 + w->options->baselines->count, targets = w->objective->count;
    const double start = now();
    TRY(executor_forward(executor));
    TRY(objective_sums(w->objective, executor, view, w->losses + (tile * pictures + 1 + w->baseline) * targets));
    timing_add(w->options->job->team->timing, PHASE_FORWARD, start, 0);
    for (int i = 0; i < w->count; i++) {
        const int t = w->order[i];
        const struct tensor a = executor_target(executor, t);
        memcpy(w->baseline < 0 ? w->picture[tile * targets + t] : w->from[t], a.data, value_count(&a) * sizeof *a.data);
    }
    w->tile = tile;
    return w->baseline < 0 ? STATUS_OK : walk_targets(w, executor, view);
}

static void choose(struct walk *w, float *const importance[CONFIG_TARGETS_MAX])
{
    for (int t = 0; t < w->objective->count; t++) {
        int i = w->count;
        if (!importance[t])
            continue;
        assert(network_is_cut(network_inception_v3(), w->objective->rows[t]));
        for (; i > 0 && w->objective->rows[w->order[i - 1]] < w->objective->rows[t]; i--)
            w->order[i] = w->order[i - 1];
        w->order[i] = t;
        w->count++;
    }
}

static enum status make_room(struct walk *w)
{
    const struct objective *objective = w->objective;
    const struct tiling *tiling = sweep_tiling(w->options->sweep);
    const size_t tiles = (size_t)w->tiles + 1, targets = (size_t)objective->count, pictures = (size_t)(1 + w->options->baselines->count);
    TRY(ALLOCATE(w->picture, tiles * targets, "for expected gradients"));
    TRY(ALLOCATE(w->losses, tiles * pictures * targets, "for expected gradients"));
    for (int k = 0; k < w->count; k++) {
        const int t = w->order[k];
        int width, height;
        network_output_size(network_inception_v3(), objective->rows[t], tiling->across.window, tiling->down.window, &width, &height);
        const size_t bytes = onednn_tensor_bytes(objective->channels[t], height, width), count = bytes / sizeof(float);
        TRY(ALLOCATE(w->phi[t], tiles * (size_t)objective->channels[t], "for expected gradients"));
        TRY(ALLOCATE(w->from[t], count, "for expected gradients (%zu MiB a tile)", bytes >> 20));
        for (int i = 0; i < w->tiles; i++)
            TRY(ALLOCATE(w->picture[i * objective->count + t], count, "for expected gradients (%zu MiB a tile)", bytes >> 20));
    }
    return STATUS_OK;
}

static void free_room(struct walk *w)
{
    for (int i = 0; w->picture && i < w->tiles * w->objective->count; i++)
        free(w->picture[i]);
    for (int t = 0; t < w->objective->count; t++) {
        free(w->phi[t]);
        free(w->from[t]);
    }
    free(w->picture);
    free(w->losses);
}

static double residual_of(double sum, const struct expectation *e)
{
    return fabs(sum - (e->value - e->expected)) / fabs(e->value - e->expected);
}

// losses (1 + baselines, targets) over the whole picture -> L of the picture and of the baselines, as far as it depends on a target.
static struct expectation expect(const struct walk *w, int target, const double *sums, const double *values)
{
    const struct objective *objective = w->objective;
    const int baselines = w->options->baselines->count;
    struct expectation result = {0};
    for (int p = 0; p <= baselines; p++) {
        double loss = 0;
        for (int t = 0; t < objective->count; t++)
            if (objective->rows[t] >= objective->rows[target])
                loss += objective->target_weights[t] * (sums[p * objective->count + t] / values[t] + objective->bias);
        if (p == 0)
            result.value = loss;
        else
            result.expected += loss / baselines;
    }
    return result;
}

static enum status add_up(struct walk *w, float *const importance[CONFIG_TARGETS_MAX], struct expectation *expectations)
{
    struct team *team = w->options->job->team;
    const struct objective *objective = w->objective;
    const int tiles = tiling_count(sweep_tiling(w->options->sweep)), width = (1 + w->options->baselines->count) * objective->count;
    const double scale = 1.0 / ((double)samples_each(w->options) * w->options->baselines->count);
    double values[CONFIG_TARGETS_MAX], *losses, *phi = NULL;
    enum status rc;
    TRY(ALLOCATE(losses, width, "for expected gradients"));
    objective_values(objective, w->options->picture->width, w->options->picture->height, values);
    TRY_OUT(team_sum(team, w->losses, tiles, width, losses, NULL));
    for (int i = w->count - 1; i >= 0; i--) {
        const int t = w->order[i];
        double sum = 0;
        free(phi);
        TRY_OUT(ALLOCATE(phi, objective->channels[t], "for expected gradients"));
        TRY_OUT(team_sum(team, w->phi[t], tiles, objective->channels[t], phi, NULL));
        for (int c = 0; c < objective->channels[t]; c++) {
            importance[t][c] = (float)(phi[c] * scale);
            sum += phi[c] * scale;
        }
        expectations[t] = expect(w, t, losses, values);
        expectations[t].residual = residual_of(sum, &expectations[t]);
    }
out:
    free(losses);
    free(phi);
    return rc;
}

// Floating-point operations of the convolutions in rows (from, to] of the network table, for one picture or another.
static double flop_between(int from, int to)
{
    enum { SIDE = 299 };
    const struct network *network = network_inception_v3();
    double flop = 0;
    for (int i = from + 1; i <= to; i++) {
        const struct layer *layer = &network->layers[i];
        int width, height;
        if (layer->kind != LAYER_CONV)
            continue;
        network_output_size(network, i, SIDE, SIDE, &width, &height);
        flop += (double)width * height * layer->channels * layer->kernel_h * layer->kernel_w * network->layers[layer->inputs[0]].channels;
    }
    return flop;
}

double expected_gradients_importance_passes(const struct objective *objective)
{
    const int deepest = objective->rows[objective_deepest(objective)];
    double passes = 0;
    for (int t = 0; t < objective->count; t++)
        if (network_is_cut(network_inception_v3(), objective->rows[t]))
            passes += flop_between(objective->rows[t], deepest) / flop_between(0, deepest);
    return passes;
}

bool expected_gradients_are_on(const struct expected_gradients *e)
{
    return e->job->objective->config->importance.samples > 0 && e->baselines->count > 0;
}

enum status expected_gradients_importance(const struct expected_gradients *e, float *const importance[CONFIG_TARGETS_MAX],
                                          struct expectation expectations[CONFIG_TARGETS_MAX])
{
    struct team *team = e->job->team;
    const struct span mine = tiling_share(tiling_count(sweep_tiling(e->sweep)), team->size, team->rank);
    struct walk w = {.options = e, .objective = e->job->objective, .tiles = mine.end - mine.begin, .baseline = -1};
    double nothing = 0;
    enum status rc;
    choose(&w, importance);
    w.passes = expected_gradients_importance_passes(w.objective) / (w.tiles > 0 ? w.tiles : 1);
    TRY_OUT(team_agree(team, make_room(&w)));
    TRY_OUT(sweep_tiles(e->sweep, e->picture, visit, &w));
    for (w.baseline = 0; w.baseline < e->baselines->count && !e->job->stopping; w.baseline++) {
        TRY_OUT(sweep_tiles(e->sweep, &e->baselines->slabs[w.baseline], visit, &w));
        // The members were asked to stop at moments of their own.
        TRY_OUT(team_sum(team, &nothing, team->size, 1, &nothing, &e->job->stopping));
    }
    if (!e->job->stopping)
        rc = add_up(&w, importance, expectations);
out:
    free_room(&w);
    return rc;
}

// Sum over the picture of phi, band by band in order.
static enum status sum_phi(const struct expected_gradients *e, const struct slab *phi, double *sum)
{
    double *bands;
    TRY(ALLOCATE(bands, (size_t)slab_bands(phi->rows) + 1, "for expected gradients"));
    for (int c = 0; c < 3; c++)
        for (int y = phi->rows.begin; y < phi->rows.end; y++) {
            const float *row = slab_row(phi, c, y);
            double line = 0;
            for (int x = 0; x < phi->width; x++)
                line += (double)row[x];
            bands[(y - phi->rows.begin) / TILING_BAND] += line;
        }
    const enum status rc = team_sum(e->job->team, bands, slab_bands((struct span){0, phi->height}), 1, sum, NULL);
    free(bands);
    return rc;
}

static void mix(const struct slab *baseline, const struct slab *picture, float alpha, struct slab *mixed)
{
    const size_t count = slab_count(mixed);
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++)
        mixed->data[i] = baseline->data[i] + alpha * (picture->data[i] - baseline->data[i]);
}

// phi += scale * (picture - baseline) * gradient, whose rows may be more
static void add_product(const struct slab *baseline, const struct slab *picture, const struct slab *gradient, float scale, struct slab *phi)
{
#pragma omp parallel for collapse(2) schedule(static)
    for (int c = 0; c < 3; c++)
        for (int y = phi->rows.begin; y < phi->rows.end; y++) {
            const float *x = slab_row(picture, c, y), *b = slab_row(baseline, c, y), *g = slab_row(gradient, c, y);
            float *out = slab_row(phi, c, y);
            for (int i = 0; i < phi->width; i++)
                out[i] += scale * (x[i] - b[i]) * g[i];
        }
}

enum status expected_gradients_pixels(const struct expected_gradients *e, struct slab *gradient, struct slab *scratch, struct slab *mixed,
                                      struct slab *phi, struct expectation *expectation)
{
    const struct baselines *baselines = e->baselines;
    const int samples = samples_each(e);
    const float scale = (float)(1.0 / ((double)samples * baselines->count));
    const struct sweep_pass between = {.image = mixed, .rule = {.mode = GRADIENT_MODE_PLAIN}, .gradient = gradient, .scratch = scratch};
    struct sweep_losses losses;
    double sum;
    slab_fill(phi, 0);
    *expectation = (struct expectation){0};
    TRY(sweep_run(e->sweep, &(struct sweep_pass){.image = e->picture}, &losses));
    expectation->value = losses.total;
    for (int b = 0; b < baselines->count; b++) {
        const struct slab *baseline = &baselines->slabs[b];
        TRY(sweep_run(e->sweep, &(struct sweep_pass){.image = baseline}, &losses));
        expectation->expected += losses.total / baselines->count;
        for (int i = 0; i < samples && !e->job->stopping; i++) {
            image_job_ask(e->job);
            mix(baseline, e->picture, (float)((i + 0.5) / samples), mixed);
            TRY(sweep_run(e->sweep, &between, &losses));
            add_product(baseline, e->picture, gradient, scale, phi);
            if (e->passed)
                e->passed(e->context, 1);
        }
    }
    TRY(sum_phi(e, phi, &sum));
    expectation->residual = residual_of(sum, expectation);
    return STATUS_OK;
}
