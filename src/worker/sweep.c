// SPDX-License-Identifier: MIT
#include "worker/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/messages.h"
#include "worker/exchange.h"

struct sweep {
    struct sweep_options options;
    struct tiling tiling;
    int count;                           // tiles
    struct tile *tiles;                  // [count]
    struct rectangle *windows, *reaches; // [count] of the tiles
    struct span *work, *rows, *margins;  // [team->size]: tiles, rows of the image, rows of the gradient
    struct exchange *gather, *scatter;
    float *across, *down;              // weights along a window
    bool *done;                        // [count] of this member's tiles, in this run
    double *sums;                      // (tiles of this member, targets)
    double values[CONFIG_TARGETS_MAX]; // that the losses are means of
    enum status broken;                // of the connection, found between the network's layers
    struct field *gradient;            // of this run; NULL: losses only
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
    TRY(tiling_create(&s->tiling, options->width, options->height, options->rules));
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
    TRY(exchange_create(&s->gather, options->team));
    TRY(exchange_create(&s->scatter, options->team));
    // Found out now whether there is memory for it, while the team can still agree to give up.
    rc = engine_executor(options->engine, s->tiling.across.window, s->tiling.down.window, &executor);
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
    exchange_destroy(&s->gather);
    exchange_destroy(&s->scatter);
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
    tiling_weights(&s->tiling.across, number % s->tiling.across.count, s->across);
    tiling_weights(&s->tiling.down, number / s->tiling.across.count, s->down);
    return exchange_add(s->scatter, number,
                        &(struct exchange_patch){.values = gradient + (size_t)dy * row + (size_t)dx,
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
    for (int i = 0; i < TESTS && s->broken == STATUS_OK; i++) {
        bool gathered, scattered;
        s->broken = exchange_progress(s->gather, &gathered);
        if (s->broken == STATUS_OK)
            s->broken = exchange_progress(s->scatter, &scattered);
        if (s->broken == STATUS_OK && gathered && scattered)
            break;
    }
}

static enum status work_on(struct sweep *s, int number)
{
    const struct sweep_options *o = &s->options;
    struct timing *timing = o->team->timing;
    struct executor *executor;
    enum status rc;
    double at = now();
    TRY(engine_executor(o->engine, s->tiling.across.window, s->tiling.down.window, &executor));
    executor_between(executor, o->team->size > 1 ? keep_moving : NULL, s);
    exchange_take(s->gather, number, executor_image(executor));
    at = timing_add(timing, PHASE_EXCHANGE, at, 0);
    TRY(executor_forward(executor));
    objective_sums(o->objective, executor, &s->tiles[number], o->width, o->height,
                   s->sums + (number - s->work[o->team->rank].begin) * o->objective->count);
    at = timing_add(timing, PHASE_FORWARD, at, 0);
    if (s->gradient) {
        objective_gradient(o->objective, executor, s->values);
        TRY(executor_backward(executor, mode_of(s->config->gradient), network_find(network_inception_v3(), s->config->gradient_above)));
        at = timing_add(timing, PHASE_BACKWARD, at, 0);
        TRY(hand_out(s, number, executor_gradient(executor)));
        timing_add(timing, PHASE_EXCHANGE, at, 0);
    }
    s->done[number] = true;
    rc = s->broken;
out:
    return rc;
}

// The next tile to work on: first those that others wait for, if what they need has arrived, then those that concern nobody else.
static enum status pick(struct sweep *s, int *number)
{
    const struct span mine = s->work[s->options.team->rank];
    const double start = now();
    unsigned idle = 0;
    enum status rc = STATUS_OK;
    for (;;) {
        bool sent;
        int alone = -1;
        TRY(exchange_progress(s->gather, &sent));
        *number = -1;
        for (int i = mine.begin; i < mine.end && *number < 0; i++) {
            bool arrived = false;
            if (s->done[i])
                continue;
            if (!exchange_is_shared(s->gather, i)) {
                alone = alone < 0 ? i : alone;
                continue;
            }
            TRY(exchange_arrived(s->gather, i, &arrived));
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
out:
    return rc;
}

static enum status work_on_all(struct sweep *s)
{
    enum status rc = STATUS_OK;
    for (int left = my_count(s); left > 0; left--) {
        int number;
        TRY(pick(s, &number));
        TRY(work_on(s, number));
        if (s->gradient && s->options.progress && s->options.team->rank == 0 && left > 1)
            s->options.progress(1 - (left - 1.0) / my_count(s), s->options.context);
    }
out:
    return rc;
}

static void clear(struct field *field)
{
    memset(field->data, 0, field_count(field) * sizeof *field->data);
}

static void add_field(struct field *to, const struct field *from)
{
    const size_t count = field_count(to);
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < count; i++)
        to->data[i] += from->data[i];
}

static enum status begin(struct sweep *s, const struct field *image, int dy, int dx, struct field *gradient, struct field *scratch)
{
    struct exchange_layout layout = {.width = s->options.width,
                                     .height = s->options.height,
                                     .dy = dy,
                                     .dx = dx,
                                     .rectangles = s->windows,
                                     .work = s->work,
                                     .rows = s->rows,
                                     .columns = s->tiling.across.count};
    const double start = now();
    enum status rc;
    s->gradient = gradient;
    memset(s->done, 0, (size_t)s->count * sizeof *s->done);
    TRY(exchange_gather(s->gather, &layout, image));
    if (gradient) {
        clear(gradient);
        if (s->tiling.down.count > 1)
            clear(scratch);
        layout.rectangles = s->reaches;
        layout.rows = s->margins;
        TRY(exchange_scatter(s->scatter, &layout, (struct field *[]){gradient, scratch}));
    }
    timing_add(s->options.team->timing, PHASE_EXCHANGE, start, 0);
out:
    return rc;
}

// Rows of tiles alternate between the two fields: in each, at most two tiles meet at a pixel, so that it does not matter who comes first.
static enum status end(struct sweep *s, struct field *scratch)
{
    const double start = now();
    int64_t bytes = exchange_bytes(s->gather);
    enum status rc;
    TRY(exchange_end(s->gather));
    if (s->gradient) {
        bytes += exchange_bytes(s->scatter);
        TRY(exchange_end(s->scatter));
        if (s->tiling.down.count > 1)
            add_field(s->gradient, scratch);
    }
    timing_add(s->options.team->timing, PHASE_EXCHANGE, start, bytes);
out:
    return rc;
}

enum status sweep_run(struct sweep *s, const struct field *image, int dy, int dx, struct field *gradient, struct field *scratch,
                      double *loss, double target_loss[CONFIG_TARGETS_MAX], bool *flag)
{
    double sums[CONFIG_TARGETS_MAX];
    enum status rc;
    s->broken = STATUS_OK;
    TRY(begin(s, image, dy, dx, gradient, scratch));
    TRY(work_on_all(s));
    TRY(end(s, scratch));
    TRY(team_sum(s->options.team, s->sums, s->work, s->options.objective->count, sums, flag));
    *loss = objective_loss(s->options.objective, sums, s->values, target_loss);
out:
    return rc;
}
