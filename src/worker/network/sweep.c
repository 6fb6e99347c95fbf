// SPDX-License-Identifier: MIT
#include "worker/network/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "common/system/clock.h"
#include "common/wire/messages.h"
#include "worker/team/tile_exchange.h"

struct sweep {
    struct sweep_options options;
    struct tiling tiling;
    int count;                           // tiles
    struct tile *tiles;                  // [count]
    struct rectangle *windows, *reaches; // [count] of the tiles
    struct span *work, *rows, *margins;  // [team->size]: tiles, rows of the image, rows of the gradient
    struct tile_exchange *gather, *scatter;
    float *across, *down;              // weights along a window
    bool *done;                        // [count] of this member's tiles, in this run
    double *sums;                      // (tiles of this member, targets)
    double values[CONFIG_TARGETS_MAX]; // that the losses are means of
    enum status broken;                // of the connection, found between the network's layers
    const struct sweep_pass *pass;     // of this run
    sweep_visit *visit;                // instead of the usual way; or NULL
    void *visit_context;
    int last_back; // target at which the way back ends without a gradient of the image; -1: there is no way back
    int tile;      // being worked on
    const struct config *config;
};

static int grown(int at, int by, int least, int most)
{
    return at + by < least ? least : at + by > most ? most : at + by;
}

static void share_out(struct sweep *s)
{
    const int members = s->options.team->size, height = s->options.height, margin = s->options.margin;
    for (int i = 0; i < s->count; i++) {
        s->tiles[i] = tiling_tile(&s->tiling, i);
        s->windows[i] = s->tiles[i].window;
        s->reaches[i] = s->tiles[i].reach;
    }
    for (int m = 0; m < members; m++) {
        const struct span rows = s->rows[m] = tiling_rows(height, members, m);
        s->work[m] = tiling_share(s->count, members, m);
        s->margins[m] = rows;
        if (rows.begin < rows.end)
            s->margins[m] = (struct span){grown(rows.begin, -margin, 0, height), grown(rows.end, margin, 0, height)};
    }
}

static int my_count(const struct sweep *s)
{
    const struct span mine = s->work[s->options.team->rank];
    return mine.end - mine.begin;
}

enum status sweep_create(struct sweep **sweep, const struct sweep_options *options)
{
    const size_t members = (size_t)options->team->size;
    struct executor *executor;
    enum status rc;
    struct sweep *s = *sweep = calloc(1, sizeof *s);
    if (!s)
        return fail(STATUS_LIMIT, "no memory for the tiles");
    s->options = *options;
    s->config = options->objective->config;
    TRY_OUT(tiling_create(&s->tiling, options->width, options->height, options->rules));
    s->count = tiling_count(&s->tiling);
    const size_t count = (size_t)s->count;
    s->tiles = calloc(count, sizeof *s->tiles);
    s->windows = calloc(count, sizeof *s->windows);
    s->reaches = calloc(count, sizeof *s->reaches);
    s->done = calloc(count, sizeof *s->done);
    s->sums = calloc(count * CONFIG_TARGETS_MAX, sizeof *s->sums);
    s->work = calloc(members, sizeof *s->work);
    s->rows = calloc(members, sizeof *s->rows);
    s->margins = calloc(members, sizeof *s->margins);
    s->across = calloc((size_t)s->tiling.across.window, sizeof *s->across);
    s->down = calloc((size_t)s->tiling.down.window, sizeof *s->down);
    if (!s->tiles || !s->windows || !s->reaches || !s->done || !s->sums || !s->work || !s->rows || !s->margins || !s->across || !s->down) {
        rc = fail(STATUS_LIMIT, "no memory for %d tiles", s->count);
        goto out;
    }
    share_out(s);
    objective_values(options->objective, options->width, options->height, s->values);
    TRY_OUT(tile_exchange_create(&s->gather, options->team));
    TRY_OUT(tile_exchange_create(&s->scatter, options->team));
    // Found out now whether there is memory for it, while the team can still agree to give up.
    const double start = now();
    rc = engine_executor(options->engine, s->tiling.across.window, s->tiling.down.window, &executor);
    timing_add(options->team->timing, PHASE_PREPARE, start, 0);
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
    free(s->tiles);
    free(s->windows);
    free(s->reaches);
    free(s->done);
    free(s->sums);
    free(s->work);
    free(s->rows);
    free(s->margins);
    free(s->across);
    free(s->down);
    free(s);
    *sweep = NULL;
}

const struct tiling *sweep_tiling(const struct sweep *s)
{
    return &s->tiling;
}

const struct span *sweep_work(const struct sweep *s)
{
    return s->work;
}

struct span sweep_rows(const struct sweep *s)
{
    return s->rows[s->options.team->rank];
}

struct span sweep_gradient_rows(const struct sweep *s)
{
    return s->margins[s->options.team->rank];
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

// The gradient of a window, weighted, to those who hold its rows.
static enum status hand_out(struct sweep *s, int number, const float *gradient)
{
    const struct tile *tile = &s->tiles[number];
    const int dx = tile->reach.x - tile->window.x, dy = tile->reach.y - tile->window.y;
    const size_t row = (size_t)tile->window.width;
    const float scale = network_input_slope(s->config);
    tiling_weights(&s->tiling.across, number % s->tiling.across.count, s->across);
    tiling_weights(&s->tiling.down, number / s->tiling.across.count, s->down);
    for (int x = 0; x < s->tiling.across.window; x++)
        s->across[x] *= scale;
    return tile_exchange_add(s->scatter, number,
                             &(struct tile_exchange_patch){.values = gradient + (size_t)dy * row + (size_t)dx,
                                                           .plane = row * (size_t)tile->window.height,
                                                           .row = row,
                                                           .across = s->across + dx,
                                                           .down = s->down + dy});
}

// Keeps messages moving while the network runs: others may wait for what this member sends, of which a test moves some 10 to 100 KB.
static void keep_moving(void *context)
{
    enum { TESTS = 16 };
    struct sweep *s = context;
    if (s->options.outbox && s->broken == STATUS_OK)
        s->broken = outbox_progress(s->options.outbox);
    for (int i = 0; s->options.team->size > 1 && i < TESTS && s->broken == STATUS_OK; i++) {
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
    struct sweep *s = context;
    features_keep_gradient(s->pass->features, s->tile, target, gradient);
}

static enum status go_forward(struct sweep *s, struct executor *executor, struct objective_view *view)
{
    const struct sweep_pass *pass = s->pass;
    const double start = now();
    TRY(executor_forward(executor));
    TRY(objective_sums(s->options.objective, executor, view,
                       s->sums + (s->tile - s->work[s->options.team->rank].begin) * s->options.objective->count));
    for (int t = 0; pass->features && t < pass->objective->count; t++) {
        const struct tensor activation = executor_target(executor, t);
        features_keep_activation(pass->features, s->tile, t, &activation);
    }
    timing_add(s->options.team->timing, PHASE_FORWARD, start, 0);
    return STATUS_OK;
}

static enum status go_back(struct sweep *s, struct executor *executor, const struct objective_view *view)
{
    const enum gradient_mode mode = mode_of(s->pass->rule);
    const double start = now();
    objective_gradient(s->pass->objective, executor, view);
    executor_on_gradient(executor, s->last_back >= 0 ? keep_gradient : NULL, s);
    if (s->pass->gradient)
        TRY(executor_backward(executor, mode, s->pass->above));
    else
        TRY(executor_backward_to(executor, mode, s->pass->above, s->last_back));
    const double end = timing_add(s->options.team->timing, PHASE_BACKWARD, start, 0);
    if (s->pass->gradient) {
        TRY(hand_out(s, s->tile, executor_gradient(executor)));
        timing_add(s->options.team->timing, PHASE_EXCHANGE, end, 0);
    }
    return STATUS_OK;
}

static enum status work_on(struct sweep *s, int number)
{
    const struct sweep_options *o = &s->options;
    struct objective_view view = {.tile = &s->tiles[number], .width = o->width, .height = o->height, .dy = s->pass->dy, .dx = s->pass->dx};
    struct executor *executor;
    const double start = now();
    memcpy(view.values, s->values, sizeof view.values);
    s->tile = number;
    TRY(engine_executor(o->engine, s->tiling.across.window, s->tiling.down.window, &executor));
    executor_between(executor, o->team->size > 1 || o->outbox ? keep_moving : NULL, s);
    tile_exchange_take(s->gather, number, executor_image(executor));
    to_network_input(s, executor_image(executor));
    timing_add(o->team->timing, PHASE_EXCHANGE, start, 0);
    if (s->visit) {
        TRY(s->visit(s->visit_context, number - s->work[o->team->rank].begin, executor, &view));
    } else {
        TRY(go_forward(s, executor, &view));
        if (s->pass->gradient || s->last_back >= 0)
            TRY(go_back(s, executor, &view));
    }
    s->done[number] = true;
    return s->broken;
}

// The next tile to work on: first those that others wait for, if what they need has arrived, then those that concern nobody else.
static enum status pick(struct sweep *s, int *number)
{
    const struct span mine = s->work[s->options.team->rank];
    const double start = now();
    unsigned idle = 0;
    for (;;) {
        bool sent;
        int alone = -1;
        TRY(tile_exchange_progress(s->gather, &sent));
        *number = -1;
        for (int i = mine.begin; i < mine.end && *number < 0; i++) {
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
    timing_add(s->options.team->timing, PHASE_EXCHANGE, start, 0);
    return STATUS_OK;
}

static enum status work_on_all(struct sweep *s)
{
    for (int left = my_count(s); left > 0; left--) {
        int number;
        TRY(pick(s, &number));
        TRY(work_on(s, number));
        if (s->pass->gradient && s->options.progress && s->options.team->rank == 0 && left > 1)
            s->options.progress(1 - (left - 1.0) / my_count(s), s->options.context);
    }
    return STATUS_OK;
}

static void clear(struct slab *field)
{
    memset(field->data, 0, slab_count(field) * sizeof *field->data);
}

static void add_field(struct slab *to, const struct slab *from)
{
    const size_t count = slab_count(to);
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++)
        to->data[i] += from->data[i];
}

// The first target on the network's way back whose gradient the features keep; -1 if there is none.
static int last_back(const struct features *features)
{
    int last = -1;
    for (int t = 0; features && features->tiles > 0 && t < features->objective->count; t++)
        if (features_at(features, 0, t)->gradient && (last < 0 || features->objective->rows[t] < features->objective->rows[last]))
            last = t;
    return last;
}

static enum status begin(struct sweep *s)
{
    const struct sweep_pass *pass = s->pass;
    struct tile_exchange_layout layout = {.width = s->options.width,
                                          .height = s->options.height,
                                          .dy = pass->dy,
                                          .dx = pass->dx,
                                          .rectangles = s->windows,
                                          .work = s->work,
                                          .rows = s->rows,
                                          .columns = s->tiling.across.count};
    const double start = now();
    s->broken = STATUS_OK;
    s->last_back = last_back(pass->features);
    memset(s->done, 0, (size_t)s->count * sizeof *s->done);
    TRY(tile_exchange_gather(s->gather, &layout, pass->image));
    if (pass->gradient) {
        clear(pass->gradient);
        if (s->tiling.down.count > 1)
            clear(pass->scratch);
        layout.rectangles = s->reaches;
        layout.rows = s->margins;
        TRY(tile_exchange_scatter(s->scatter, &layout, (struct slab *[]){pass->gradient, pass->scratch}));
    }
    timing_add(s->options.team->timing, PHASE_EXCHANGE, start, 0);
    return STATUS_OK;
}

// Rows of tiles alternate between the two fields: in each, at most two tiles meet at a pixel, so that it does not matter who comes first.
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
            add_field(pass->gradient, pass->scratch);
    }
    timing_add(s->options.team->timing, PHASE_EXCHANGE, start, bytes);
    return STATUS_OK;
}

enum status sweep_run(struct sweep *s, const struct sweep_pass *pass, struct sweep_losses *losses, bool *flag)
{
    double sums[CONFIG_TARGETS_MAX];
    enum status rc;
    s->pass = pass;
    TRY_OUT(begin(s));
    TRY_OUT(work_on_all(s));
    TRY_OUT(end(s));
    TRY_OUT(team_sum(s->options.team, s->sums, s->work, s->options.objective->count, sums, flag));
    losses->total = objective_loss(s->options.objective, sums, s->values, losses->targets);
out:
    s->pass = NULL;
    return rc;
}

enum status sweep_tiles(struct sweep *s, const struct slab *image, sweep_visit *visit, void *context)
{
    const struct sweep_pass pass = {.image = image, .objective = s->options.objective};
    enum status rc;
    s->pass = &pass;
    s->visit = visit;
    s->visit_context = context;
    TRY_OUT(begin(s));
    TRY_OUT(work_on_all(s));
    rc = end(s);
out:
    s->pass = NULL;
    s->visit = NULL;
    return rc;
}
