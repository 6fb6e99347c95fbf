// SPDX-License-Identifier: MIT
#include "worker/network/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "common/system/clock.h"
#include "common/wire/messages.h"
#include "worker/team/tile_exchange.h"

struct sweep {
    struct image_job *job;
    const struct config *config;
    int width, height; // of the octave
    int margin;        // rows of the gradient around a member's own
    struct tiling tiling;
    int count;                           // tiles
    struct span mine;                    // this member's
    struct rectangle *windows, *reaches; // [count] of the tiles
    struct tile_exchange *gather, *scatter;
    float *across, *down;              // weights along a window
    bool *done;                        // [count] of this member's tiles, in this run
    double *sums;                      // (mine, targets)
    double values[CONFIG_TARGETS_MAX]; // that the losses are means of
    enum status broken;                // of the connection, found between the network's layers
    // Of this run.
    const struct sweep_pass *pass;
    sweep_visit *visit;
    void *visit_context;
    int last_back; // target at which the way back ends without a gradient of the image; -1: there is no way back
    int tile;      // being worked on
};

enum status sweep_create(struct sweep **sweep, struct image_job *job, int width, int height, int margin)
{
    struct executor *executor;
    enum status rc;
    TRY(ALLOCATE(*sweep, 1, "for the tiles"));
    struct sweep *s = *sweep;
    *s = (struct sweep){.job = job, .config = job->objective->config, .width = width, .height = height, .margin = margin};
    TRY_OUT(tiling_create(&s->tiling, width, height, job->rules));
    s->count = tiling_count(&s->tiling);
    s->mine = tiling_share(s->count, job->team->size, job->team->rank);
    const size_t count = (size_t)s->count;
    TRY_OUT(ALLOCATE(s->windows, count, "for %d tiles", s->count));
    TRY_OUT(ALLOCATE(s->reaches, count, "for %d tiles", s->count));
    TRY_OUT(ALLOCATE(s->done, count, "for %d tiles", s->count));
    TRY_OUT(ALLOCATE(s->sums, count * CONFIG_TARGETS_MAX, "for %d tiles", s->count));
    TRY_OUT(ALLOCATE(s->across, s->tiling.across.window, "for %d tiles", s->count));
    TRY_OUT(ALLOCATE(s->down, s->tiling.down.window, "for %d tiles", s->count));
    for (int i = 0; i < s->count; i++) {
        const struct tile tile = tiling_tile(&s->tiling, i);
        s->windows[i] = tile.window;
        s->reaches[i] = tile.reach;
    }
    objective_values(job->objective, width, height, s->values);
    TRY_OUT(tile_exchange_create(&s->gather, job->team));
    TRY_OUT(tile_exchange_create(&s->scatter, job->team));
    // Found out now whether there is memory for it, while the team can still agree to give up.
    const double start = now();
    rc = engine_executor(job->engine, s->tiling.across.window, s->tiling.down.window, &executor);
    timing_add(job->team->timing, PHASE_PREPARE, start, 0);
out:
    if (rc != STATUS_OK)
        sweep_destroy(sweep);
    return rc;
}

void sweep_destroy(struct sweep **sweep)
{
    struct sweep *s = *sweep;
    if (!s)
        return;
    tile_exchange_destroy(&s->gather);
    tile_exchange_destroy(&s->scatter);
    free(s->windows);
    free(s->reaches);
    free(s->done);
    free(s->sums);
    free(s->across);
    free(s->down);
    free(s);
    *sweep = NULL;
}

const struct tiling *sweep_tiling(const struct sweep *s)
{
    return &s->tiling;
}

// The gradient of a window, weighted, to those who hold its rows.
static enum status hand_out(struct sweep *s, const float *gradient)
{
    const struct rectangle *window = &s->windows[s->tile], *reach = &s->reaches[s->tile];
    const int dx = reach->x - window->x, dy = reach->y - window->y;
    const size_t row = (size_t)window->width;
    const float scale = network_input_slope(s->config);
    tiling_weights(&s->tiling.across, s->tile % s->tiling.across.count, s->across);
    tiling_weights(&s->tiling.down, s->tile / s->tiling.across.count, s->down);
    for (int x = 0; x < s->tiling.across.window; x++)
        s->across[x] *= scale;
    return tile_exchange_add(s->scatter, s->tile,
                             &(struct tile_exchange_patch){.values = gradient + (size_t)dy * row + (size_t)dx,
                                                           .plane = row * (size_t)window->height,
                                                           .row = row,
                                                           .across = s->across + dx,
                                                           .down = s->down + dy});
}

// Keeps messages moving while the network runs: others may wait for what this member sends, of which a test moves some 10 to 100 KB.
static void keep_moving(void *context)
{
    enum { TESTS = 16 };
    struct sweep *s = context;
    if (s->job->outbox && s->broken == STATUS_OK)
        s->broken = outbox_progress(s->job->outbox);
    for (int i = 0; s->job->team->size > 1 && i < TESTS && s->broken == STATUS_OK; i++) {
        bool gathered, scattered;
        s->broken = tile_exchange_progress(s->gather, &gathered);
        if (s->broken == STATUS_OK)
            s->broken = tile_exchange_progress(s->scatter, &scattered);
        if (s->broken == STATUS_OK && gathered && scattered)
            break;
    }
}

static void to_network_input(const struct sweep *s, float *image)
{
    const size_t count = 3 * (size_t)s->tiling.across.window * (size_t)s->tiling.down.window;
    if (s->config->network_input == NETWORK_INPUT_SIGNED)
        return;
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++)
        image[i] = network_input(s->config, image[i]);
}

static void keep_gradient(void *context, int target, const struct tensor *gradient)
{
    const struct sweep *s = context;
    features_keep_gradient(s->pass->features, s->tile, target, gradient);
}

static enum status go_back(struct sweep *s, struct executor *executor, const struct objective_view *view)
{
    const struct sweep_pass *pass = s->pass;
    struct timing *timing = s->job->team->timing;
    const double start = now();
    objective_gradient(pass->objective ? pass->objective : s->job->objective, executor, view);
    executor_on_gradient(executor, s->last_back >= 0 ? keep_gradient : NULL, s);
    TRY(executor_backward(executor, pass->rule, pass->gradient ? EXECUTOR_IMAGE : s->last_back));
    const double end = timing_add(timing, PHASE_BACKWARD, start, 0);
    if (!pass->gradient)
        return STATUS_OK;
    TRY(hand_out(s, executor_gradient(executor)));
    timing_add(timing, PHASE_EXCHANGE, end, 0);
    return STATUS_OK;
}

// The usual visit: to the targets and, where a gradient is wanted, back.
static enum status go_there_and_back(void *context, int tile, struct executor *executor, const struct objective_view *view)
{
    struct sweep *s = context;
    const struct objective *objective = s->job->objective;
    const double start = now();
    TRY(executor_forward(executor));
    TRY(objective_sums(objective, executor, view, s->sums + tile * objective->count));
    for (int t = 0; s->pass->features && t < objective->count; t++) {
        const struct tensor activation = executor_target(executor, t);
        features_keep_activation(s->pass->features, s->tile, t, &activation);
    }
    timing_add(s->job->team->timing, PHASE_FORWARD, start, 0);
    return s->pass->gradient || s->last_back >= 0 ? go_back(s, executor, view) : STATUS_OK;
}

static enum status work_on(struct sweep *s, int number)
{
    const struct image_job *job = s->job;
    const struct tile tile = tiling_tile(&s->tiling, number);
    struct objective_view view = {.tile = &tile, .width = s->width, .height = s->height, .dy = s->pass->dy, .dx = s->pass->dx};
    struct executor *executor;
    const double start = now();
    memcpy(view.values, s->values, sizeof view.values);
    s->tile = number;
    TRY(engine_executor(job->engine, s->tiling.across.window, s->tiling.down.window, &executor));
    executor_between(executor, job->team->size > 1 || job->outbox ? keep_moving : NULL, s);
    tile_exchange_take(s->gather, number, executor_image(executor));
    to_network_input(s, executor_image(executor));
    timing_add(job->team->timing, PHASE_EXCHANGE, start, 0);
    TRY(s->visit(s->visit_context, number - s->mine.begin, executor, &view));
    s->done[number] = true;
    return s->broken;
}

// The next tile to work on: first those that others wait for, if what they need has arrived, then those that concern nobody else.
static enum status pick(struct sweep *s, int *number)
{
    const double start = now();
    unsigned idle = 0;
    for (;;) {
        bool sent;
        int alone = -1;
        TRY(tile_exchange_progress(s->gather, &sent));
        *number = -1;
        for (int i = s->mine.begin; i < s->mine.end && *number < 0; i++) {
            bool arrived = false;
            if (s->done[i])
                continue;
            if (!tile_exchange_is_shared(s->gather, i)) {
                alone = alone < 0 ? i : alone;
                continue;
            }
            TRY(tile_exchange_arrived(s->gather, i, &arrived));
            if (arrived)
                *number = i;
        }
        if (*number < 0)
            *number = alone;
        if (*number >= 0)
            break;
        mpi_pause_moving(&idle);
    }
    timing_add(s->job->team->timing, PHASE_EXCHANGE, start, 0);
    return STATUS_OK;
}

static enum status work_on_all(struct sweep *s)
{
    const struct image_job *job = s->job;
    const int count = s->mine.end - s->mine.begin;
    for (int left = count; left > 0; left--) {
        int number;
        TRY(pick(s, &number));
        TRY(work_on(s, number));
        if (s->pass->parts && job->part && job->team->rank == 0 && left > 1)
            job->part((1 - (left - 1.0) / count) * s->width * s->height, job->context);
    }
    return STATUS_OK;
}

// The first target on the network's way back whose gradient the features keep; -1 if there is none.
static int last_back(const struct sweep *s)
{
    const struct features *features = s->pass->features;
    int last = -1;
    for (int t = 0; features && s->mine.begin < s->mine.end && t < features->objective->count; t++)
        if (features_at(features, s->mine.begin, t)->gradient &&
            (last < 0 || features->objective->rows[t] < features->objective->rows[last]))
            last = t;
    return last;
}

static enum status begin(struct sweep *s)
{
    const struct sweep_pass *pass = s->pass;
    struct tile_exchange_layout layout = {.width = s->width,
                                          .height = s->height,
                                          .dy = pass->dy,
                                          .dx = pass->dx,
                                          .count = s->count,
                                          .rectangles = s->windows,
                                          .columns = s->tiling.across.count};
    const double start = now();
    s->broken = STATUS_OK;
    s->last_back = last_back(s);
    memset(s->done, 0, (size_t)s->count * sizeof *s->done);
    TRY(tile_exchange_gather(s->gather, &layout, pass->image));
    if (pass->gradient) {
        slab_fill(pass->gradient, 0);
        if (s->tiling.down.count > 1)
            slab_fill(pass->scratch, 0);
        layout.rectangles = s->reaches;
        layout.margin = s->margin;
        TRY(tile_exchange_scatter(s->scatter, &layout, (struct slab *[]){pass->gradient, pass->scratch}));
    }
    timing_add(s->job->team->timing, PHASE_EXCHANGE, start, 0);
    return STATUS_OK;
}

// Rows of tiles alternate between the two slabs: in each, at most two tiles meet at a pixel, so that it does not matter who comes first.
static enum status end(struct sweep *s)
{
    const struct sweep_pass *pass = s->pass;
    const double start = now();
    int64_t bytes = tile_exchange_bytes(s->gather);
    TRY(tile_exchange_end(s->gather));
    if (pass->gradient) {
        bytes += tile_exchange_bytes(s->scatter);
        TRY(tile_exchange_end(s->scatter));
        if (s->tiling.down.count > 1)
            slab_add(pass->gradient, pass->scratch, 1);
    }
    timing_add(s->job->team->timing, PHASE_EXCHANGE, start, bytes);
    return STATUS_OK;
}

static enum status visit_all(struct sweep *s, const struct sweep_pass *pass, sweep_visit *visit, void *context)
{
    s->pass = pass;
    s->visit = visit;
    s->visit_context = context;
    TRY(begin(s));
    TRY(work_on_all(s));
    return end(s);
}

enum status sweep_run(struct sweep *s, const struct sweep_pass *pass, struct sweep_losses *losses)
{
    const struct objective *objective = s->job->objective;
    double sums[CONFIG_TARGETS_MAX];
    TRY(visit_all(s, pass, go_there_and_back, s));
    TRY(team_sum(s->job->team, s->sums, s->count, objective->count, sums, &s->job->stopping));
    losses->total = objective_loss(pass->objective ? pass->objective : objective, sums, s->values, losses->targets);
    return STATUS_OK;
}

enum status sweep_tiles(struct sweep *s, const struct slab *image, sweep_visit *visit, void *context)
{
    return visit_all(s, &(struct sweep_pass){.image = image}, visit, context);
}
