// SPDX-License-Identifier: MIT
#include "worker/look/expected_gradients.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/clock.h"
#include "kernels/onednn/onednn.h"
#include "worker/ascent/shaping.h"

// A target's activation over a whole window.
struct window {
    float *values;
    struct tensor shape; // its data is the executor's
};

struct walk {
    const struct expected_gradients_options *options;
    float *const *importance;        // which targets are asked for
    const struct span *work;         // of all members
    int tiles;                       // of this member
    struct window *picture;          // (tiles, targets)
    double *losses;                  // (tiles, 1 + baselines, targets) the loss's sums
    double *phi[CONFIG_TARGETS_MAX]; // (tiles, channels)
    float *from[CONFIG_TARGETS_MAX]; // over the window, for the baseline
    int target, tile, baseline;      // being worked on
    int first;                       // target of those asked for on the way of the network
    double passes;                   // that a sample of one tile and all targets is worth
    bool stopped;                    // asked to, on this member
    struct rectangle at;             // the target's positions that belong to the tile, in the window's grid
};

static size_t value_count(const struct tensor *tensor)
{
    return (size_t)tensor->channels * (size_t)tensor->height * (size_t)tensor->width;
}

static int samples_each(const struct expected_gradients_options *options)
{
    const int each = options->samples / options->baseline_count;
    return each > 1 ? each : 1;
}

static double *losses_of(const struct walk *w, int tile, int picture)
{
    return w->losses + ((size_t)tile * (size_t)(1 + w->options->baseline_count) + (size_t)picture) * (size_t)w->options->objective->count;
}

static enum status forward(struct walk *w, int tile, int picture, struct executor *executor, const struct objective_view *view)
{
    const double start = now();
    enum status rc = STATUS_OK;
    TRY(executor_forward(executor));
    rc = objective_sums(w->options->objective, executor, view, losses_of(w, tile, picture));
    timing_add(w->options->team->timing, PHASE_FORWARD, start, 0);
    return rc;
}

static enum status visit_picture(void *context, int tile, struct executor *executor, const struct objective_view *view)
{
    struct walk *w = context;
    TRY(forward(w, tile, 0, executor, view));
    for (int t = 0; t < w->options->objective->count; t++) {
        struct window *window = &w->picture[tile * w->options->objective->count + t];
        if (!w->importance[t])
            continue;
        window->shape = executor_target(executor, t);
        memcpy(window->values, window->shape.data, value_count(&window->shape) * sizeof *window->values);
    }
    return STATUS_OK;
}

// phi_c += sum over the tile's positions of the way from baseline to picture times the gradient.
static void take_gradient(void *context, int target, const struct tensor *gradient)
{
    const struct walk *w = context;
    const size_t block = (size_t)gradient->block, row = (size_t)gradient->width * block;
    double *phi = w->phi[target] + (size_t)w->tile * (size_t)gradient->channels;
    if (target != w->target)
        return;
    const float *picture = w->picture[w->tile * w->options->objective->count + target].values, *from = w->from[target];
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
    const struct objective *objective = w->options->objective;
    const struct tensor a = executor_target(executor, w->target);
    const size_t count = value_count(&a);
    const float *picture = w->picture[w->tile * objective->count + w->target].values, *from = w->from[w->target];
    const int samples = samples_each(w->options), stride = objective->fields[w->target].stride;
    double sums[CONFIG_TARGETS_MAX];
    w->at = objective_positions(objective, w->target, view->tile, view->width, view->height);
    w->at.x -= view->tile->window.x / stride;
    w->at.y -= view->tile->window.y / stride;
    for (int i = 0; i < samples && !w->stopped; i++) {
        const float alpha = (float)((i + 0.5) / samples);
        w->stopped = w->options->stop(w->options->context);
#pragma omp parallel for simd schedule(static)
        for (size_t k = 0; k < count; k++)
            a.data[k] = from[k] + alpha * (picture[k] - from[k]);
        TRY(executor_forward_from(executor, w->target));
        TRY(objective_sums(objective, executor, view, sums)); // a guide's matches; the sums themselves are of no use
        objective_gradient(objective, executor, view);
        TRY(executor_backward_to(executor, GRADIENT_MODE_PLAIN, 0, w->target));
        if (w->options->passed && w->target == w->first)
            w->options->passed(w->options->context, w->passes);
    }
    return STATUS_OK;
}

// From the deepest target to the first: the way back to a target destroys what lies behind it.
static enum status visit_baseline(void *context, int tile, struct executor *executor, const struct objective_view *view)
{
    struct walk *w = context;
    const struct objective *objective = w->options->objective;
    bool done[CONFIG_TARGETS_MAX] = {false};
    enum status rc;
    TRY_OUT(forward(w, tile, 1 + w->baseline, executor, view));
    for (int t = 0; t < objective->count; t++) {
        const struct tensor a = executor_target(executor, t);
        if (w->importance[t])
            memcpy(w->from[t], a.data, value_count(&a) * sizeof *a.data);
    }
    const double start = now();
    executor_on_gradient(executor, take_gradient, w);
    w->tile = tile;
    for (;;) {
        int next = -1;
        for (int t = 0; t < objective->count; t++)
            if (w->importance[t] && !done[t] && (next < 0 || objective->rows[t] > objective->rows[next]))
                next = t;
        if (next < 0)
            break;
        done[w->target = next] = true;
        TRY_OUT(walk_target(w, executor, view));
    }
    timing_add(w->options->team->timing, PHASE_ATTRIBUTION, start, 0);
out:
    executor_on_gradient(executor, NULL, NULL);
    return rc;
}

// Windows over which activations are kept: those of the picture, of every tile, and those of one baseline.
static enum status make_windows(struct walk *w)
{
    const struct objective *objective = w->options->objective;
    const struct tiling *tiling = sweep_tiling(w->options->sweep);
    for (int t = 0; t < objective->count; t++) {
        int width, height;
        if (!w->importance[t])
            continue;
        network_output_size(network_inception_v3(), objective->rows[t], tiling->across.window, tiling->down.window, &width, &height);
        const size_t bytes = onednn_tensor_bytes(objective->channels[t], height, width);
        bool complete = (w->from[t] = malloc(bytes)) != NULL;
        for (int i = 0; i < w->tiles && complete; i++)
            complete = (w->picture[i * objective->count + t].values = malloc(bytes)) != NULL;
        if (!complete)
            return fail(STATUS_LIMIT, "no memory for expected gradients (%zu MiB a tile)", bytes >> 20);
    }
    return STATUS_OK;
}

static enum status make_room(struct walk *w)
{
    const struct objective *objective = w->options->objective;
    const size_t tiles = (size_t)w->tiles + 1;
    w->picture = calloc(tiles * (size_t)objective->count, sizeof *w->picture);
    w->losses = calloc(tiles * (size_t)(1 + w->options->baseline_count) * (size_t)objective->count, sizeof *w->losses);
    bool complete = w->picture && w->losses;
    for (int t = 0; t < objective->count; t++) {
        w->phi[t] = calloc(tiles * (size_t)objective->channels[t], sizeof *w->phi[t]);
        complete = complete && w->phi[t];
    }
    return complete ? make_windows(w) : fail(STATUS_LIMIT, "no memory for expected gradients");
}

static void free_room(struct walk *w)
{
    const struct objective *objective = w->options->objective;
    for (int i = 0; w->picture && i < w->tiles * objective->count; i++)
        free(w->picture[i].values);
    for (int t = 0; t < objective->count; t++) {
        free(w->phi[t]);
        free(w->from[t]);
    }
    free(w->picture);
    free(w->losses);
}

static double residual_of(double sum, double value, double expected)
{
    return fabs(sum - (value - expected)) / fabs(value - expected);
}

// losses (1 + baselines, targets) over the whole picture -> L of the picture and of the baselines, as far as it depends on a target.
static struct expectation expect(const struct expected_gradients_options *options, int target, const double *sums, const double *values)
{
    const struct objective *objective = options->objective;
    struct expectation result = {0};
    for (int p = 0; p <= options->baseline_count; p++) {
        double loss = 0;
        for (int t = 0; t < objective->count; t++)
            if (target < 0 || objective->rows[t] >= objective->rows[target])
                loss += objective->config->targets.items[t].weight * (sums[p * objective->count + t] / values[t] + objective->bias);
        if (p == 0)
            result.value = loss;
        else
            result.expected += loss / options->baseline_count;
    }
    return result;
}

static enum status add_up(struct walk *w, float *const importance[CONFIG_TARGETS_MAX], struct expectation *expectations)
{
    const struct expected_gradients_options *o = w->options;
    const struct objective *objective = o->objective;
    const int width = (1 + o->baseline_count) * objective->count;
    const double scale = 1.0 / ((double)samples_each(o) * o->baseline_count);
    double values[CONFIG_TARGETS_MAX], *losses = malloc((size_t)width * sizeof *losses), *phi = NULL;
    bool flag = false;
    enum status rc;
    if (!losses) {
        rc = fail(STATUS_LIMIT, "no memory for expected gradients");
        goto out;
    }
    objective_values(objective, o->picture->width, o->picture->height, values);
    TRY_OUT(team_sum(o->team, w->losses, w->work, width, losses, &flag));
    for (int t = 0; t < objective->count; t++) {
        double sum = 0;
        if (!importance[t])
            continue;
        double *grown = realloc(phi, (size_t)objective->channels[t] * sizeof *phi);
        if (!grown) {
            rc = fail(STATUS_LIMIT, "no memory for expected gradients");
            goto out;
        }
        phi = grown;
        TRY_OUT(team_sum(o->team, w->phi[t], w->work, objective->channels[t], phi, &flag));
        for (int c = 0; c < objective->channels[t]; c++) {
            importance[t][c] = (float)(phi[c] * scale);
            sum += phi[c] * scale;
        }
        expectations[t] = expect(o, t, losses, values);
        expectations[t].residual = residual_of(sum, expectations[t].value, expectations[t].expected);
    }
out:
    free(losses);
    free(phi);
    return rc;
}

// The members ask at moments of their own.
static enum status agree_to_stop(struct walk *w)
{
    const struct expected_gradients_options *o = w->options;
    struct span *shares = calloc((size_t)o->team->size, sizeof *shares);
    double nothing = 0;
    enum status rc;
    if (!shares)
        return fail(STATUS_LIMIT, "no memory for the sums of a team");
    *o->stopping = *o->stopping || w->stopped;
    rc = team_sum(o->team, &nothing, shares, 1, &nothing, o->stopping);
    free(shares);
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

enum status expected_gradients_importance(const struct expected_gradients_options *o, float *const importance[CONFIG_TARGETS_MAX],
                                          struct expectation expectations[CONFIG_TARGETS_MAX])
{
    struct walk w = {.options = o, .importance = importance, .work = sweep_work(o->sweep)};
    enum status rc;
    w.tiles = w.work[o->team->rank].end - w.work[o->team->rank].begin;
    w.passes = expected_gradients_importance_passes(o->objective) / (w.tiles > 0 ? w.tiles : 1);
    w.first = -1;
    for (int t = 0; t < o->objective->count; t++)
        if (importance[t] && (w.first < 0 || o->objective->rows[t] < o->objective->rows[w.first]))
            w.first = t;
    for (int t = 0; t < o->objective->count; t++)
        assert(!importance[t] || network_is_cut(network_inception_v3(), o->objective->rows[t]));
    TRY_OUT(team_agree(o->team, make_room(&w)));
    TRY_OUT(sweep_tiles(o->sweep, o->picture, visit_picture, &w));
    for (w.baseline = 0; w.baseline < o->baseline_count && !*o->stopping; w.baseline++) {
        TRY_OUT(sweep_tiles(o->sweep, &o->baselines[w.baseline], visit_baseline, &w));
        TRY_OUT(agree_to_stop(&w));
    }
    if (!*o->stopping)
        rc = add_up(&w, importance, expectations);
out:
    free_room(&w);
    return rc;
}

// Sum over the picture of phi, band by band in order.
static enum status sum_field(const struct expected_gradients_options *o, const struct slab *phi, double *sum)
{
    const int bands = shaping_bands(phi->rows);
    double *items = calloc((size_t)bands + 1, sizeof *items);
    struct span *shares = calloc((size_t)o->team->size, sizeof *shares);
    bool flag = false;
    enum status rc;
    if (!items || !shares) {
        rc = fail(STATUS_LIMIT, "no memory for expected gradients");
        goto out;
    }
    shaping_shares(phi->height, o->team->size, shares);
    for (int c = 0; c < 3; c++)
        for (int y = phi->rows.begin; y < phi->rows.end; y++) {
            const float *row = slab_row(phi, c, y);
            double line = 0;
            for (int x = 0; x < phi->width; x++)
                line += (double)row[x];
            items[(y - phi->rows.begin) / TILING_BAND] += line;
        }
    rc = team_sum(o->team, items, shares, 1, sum, &flag);
out:
    free(items);
    free(shares);
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

enum status expected_gradients_pixels(const struct expected_gradients_options *o, struct slab *gradient, struct slab *scratch,
                                      struct slab *mixed, struct slab *phi, struct expectation *expectation)
{
    const int samples = samples_each(o);
    const float scale = (float)(1.0 / ((double)samples * o->baseline_count));
    struct sweep_pass pass = {.objective = o->objective, .rule = GRADIENT_PLAIN};
    struct sweep_losses losses;
    double sum;
    memset(phi->data, 0, slab_count(phi) * sizeof *phi->data);
    *expectation = (struct expectation){0};
    pass.image = o->picture;
    TRY(sweep_run(o->sweep, &pass, &losses, o->stopping));
    expectation->value = losses.total;
    for (int b = 0; b < o->baseline_count; b++) {
        pass = (struct sweep_pass){.image = &o->baselines[b], .objective = o->objective, .rule = GRADIENT_PLAIN};
        TRY(sweep_run(o->sweep, &pass, &losses, o->stopping));
        expectation->expected += losses.total / o->baseline_count;
        pass.image = mixed;
        pass.gradient = gradient;
        pass.scratch = scratch;
        for (int i = 0; i < samples && !*o->stopping; i++) {
            *o->stopping = o->stop(o->context);
            mix(&o->baselines[b], o->picture, (float)((i + 0.5) / samples), mixed);
            TRY(sweep_run(o->sweep, &pass, &losses, o->stopping));
            add_product(&o->baselines[b], o->picture, gradient, scale, phi);
            if (o->passed)
                o->passed(o->context, 1);
        }
    }
    TRY(sum_field(o, phi, &sum));
    expectation->residual = residual_of(sum, expectation->value, expectation->expected);
    return STATUS_OK;
}
