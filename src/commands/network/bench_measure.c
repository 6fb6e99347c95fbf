// SPDX-License-Identifier: MIT
#include "commands/network/bench_measure.h"

#include <omp.h>
#include <stdlib.h>

#include "common/system/clock.h"

enum { WARM_UP = 2 }; // rounds that are not counted

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum status bench_measure_peaks(int threads, struct bench_peaks *peaks)
{
    struct machine *machine = NULL;
    enum status rc;
    peaks->count = 0;
    TRY_OUT(machine_create(&machine));
    for (int t = 1; peaks->count == 0 || peaks->items[peaks->count - 1].threads < threads; t *= 2) {
        struct bench_peak *peak = &peaks->items[peaks->count++];
        peak->threads = t < threads ? t : threads;
        omp_set_num_threads(peak->threads);
        for (int kind = 0; kind < PEAK_KINDS; kind++) {
            rc = peak_measure(machine, (enum peak_kind)kind, &peak->flop[kind]);
            if (rc != STATUS_OK && rc != STATUS_UNSUPPORTED)
                goto out;
        }
    }
    rc = STATUS_OK;
out:
    machine_destroy(&machine);
    return rc;
}

// One size while it is being timed.
struct bench {
    struct executor *executor;
    const struct objective *objective;
    struct tile tile;
    struct objective_view view;
    int op_count, targets_op; // the operation at which the objective is at work
    double *stamps, *next;    // [op_count + 1] the time before each operation, and after the last
    int rounds;
    double *found;  // [rounds][OPS + 2 * op_count], a row a round: see below, then each operation in the step, then each alone
    double *sorted; // [rounds], scratch
};

enum { FORWARD, STEP, ONEDNN, SLOWER, ALONE, INSIDE, OPS };

static double *row(const struct bench *bench, int round)
{
    return bench->found + (size_t)round * (OPS + 2 * (size_t)bench->op_count);
}

// Anything that is not flat: what the values are does not change the time.
static void fill_image(const struct bench *bench)
{
    float *image = executor_image(bench->executor);
    for (int i = 0; i < 3 * bench->view.width * bench->view.height; i++)
        image[i] = (float)((i * 2654435761u) >> 8) / (1 << 23) - 1;
}

static void stamp(void *context)
{
    struct bench *bench = context;
    *bench->next++ = now();
}

static enum status pull(const struct bench *bench)
{
    double sums[CONFIG_TARGETS_MAX];
    TRY(objective_sums(bench->objective, bench->executor, &bench->view, sums));
    objective_gradient(bench->objective, bench->executor, &bench->view);
    return STATUS_OK;
}

// One step, with the time between any two operations.
static enum status run_step(struct bench *bench)
{
    enum status rc;
    fill_image(bench);
    bench->next = bench->stamps;
    executor_between(bench->executor, stamp, bench);
    stamp(bench);
    TRY_OUT(executor_forward(bench->executor));
    TRY_OUT(pull(bench));
    stamp(bench);
    rc = executor_backward(bench->executor, (struct gradient_rule){.mode = GRADIENT_MODE_GUIDED}, EXECUTOR_IMAGE);
out:
    executor_between(bench->executor, NULL, NULL);
    return rc;
}

// One step by hand, each convolution twice: the second time counts. It finds what a step would give it.
static enum status run_alone(struct bench *bench, double *seconds)
{
    fill_image(bench);
    for (int i = 0; i < bench->op_count; i++) {
        seconds[i] = 0;
        TRY(i == bench->targets_op ? pull(bench) : executor_run_op(bench->executor, i));
        if (executor_op(bench->executor, i).flop == 0)
            continue;
        const double start = now();
        TRY(executor_run_op(bench->executor, i));
        seconds[i] = now() - start;
    }
    return STATUS_OK;
}

static double step_seconds(const struct bench *bench)
{
    return bench->stamps[bench->op_count] - bench->stamps[0];
}

static enum status run_round(struct bench *bench, struct bench *onednn, int round)
{
    double *found = row(bench, round), *step = found + OPS, *alone = step + bench->op_count, inside = 0, sum = 0;
    TRY(run_step(onednn));
    TRY(run_step(bench));
    TRY(run_alone(bench, alone));
    const double whole = step_seconds(bench);
    for (int i = 0; i < bench->op_count; i++) {
        step[i] = bench->stamps[i + 1] - bench->stamps[i];
        inside += executor_op(bench->executor, i).flop > 0 ? step[i] : 0;
        sum += alone[i];
    }
    found[FORWARD] = bench->stamps[bench->targets_op] - bench->stamps[0];
    found[STEP] = whole;
    found[ONEDNN] = step_seconds(onednn);
    found[SLOWER] = found[ONEDNN] / whole;
    found[ALONE] = sum / whole;
    found[INSIDE] = inside / whole;
    return STATUS_OK;
}

static enum status start(struct bench *bench, struct engine *engine, const struct objective *objective, int size, int rounds)
{
    const struct rectangle all = {0, 0, size, size};
    bench->objective = objective;
    bench->tile = (struct tile){.window = all, .core = all, .reach = all};
    bench->view = (struct objective_view){.tile = &bench->tile, .width = size, .height = size};
    objective_values(objective, size, size, bench->view.values);
    TRY(engine_executor(engine, size, size, &bench->executor));
    bench->op_count = executor_graph(bench->executor)->op_count;
    while (!executor_op(bench->executor, bench->targets_op + 1).backward)
        bench->targets_op++;
    const size_t ops = (size_t)bench->op_count, n = (size_t)rounds;
    bench->rounds = rounds;
    TRY(ALLOCATE(bench->stamps, ops + 1 + n * (OPS + 2 * ops) + n, "for the times of %d rounds", rounds));
    bench->found = bench->stamps + ops + 1;
    bench->sorted = bench->found + n * (OPS + 2 * ops);
    return STATUS_OK;
}

// Of a column over the rounds.
static struct spread spread_of(const struct bench *bench, int column)
{
    double *sorted = bench->sorted;
    const int n = bench->rounds;
    for (int r = 0; r < n; r++)
        sorted[r] = row(bench, r)[column];
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    return (struct spread){.median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2, .min = sorted[0], .max = sorted[n - 1]};
}

static enum status conclude(const struct bench *bench, struct bench_figures *figures)
{
    figures->forward = spread_of(bench, FORWARD);
    figures->step = spread_of(bench, STEP);
    figures->onednn = spread_of(bench, ONEDNN);
    figures->slower = spread_of(bench, SLOWER);
    figures->alone = spread_of(bench, ALONE);
    figures->inside = spread_of(bench, INSIDE);
    figures->flop = executor_flop(bench->executor);
    figures->bytes_per_pixel = (double)executor_bytes(bench->executor) / ((double)figures->width * figures->height);
    TRY(ALLOCATE(figures->ops, bench->op_count, "for the times of %d operations", bench->op_count));
    figures->op_count = bench->op_count;
    for (int i = 0; i < bench->op_count; i++) {
        struct bench_op *op = &figures->ops[i];
        op->op = executor_op(bench->executor, i);
        if (i == bench->targets_op) {
            op->op.layer = "targets";
            op->op.work = "objective";
        }
        op->step = spread_of(bench, OPS + i);
        op->alone = spread_of(bench, OPS + bench->op_count + i);
    }
    return STATUS_OK;
}

enum status bench_measure(struct engine *engine, struct engine *by_onednn, const struct objective *objective, int size, int rounds,
                          struct bench_figures *figures)
{
    struct bench bench = {0}, onednn = {0};
    enum status rc;
    *figures = (struct bench_figures){.width = size, .height = size};
    TRY_OUT(start(&bench, engine, objective, size, rounds));
    TRY_OUT(start(&onednn, by_onednn, objective, size, rounds));
    for (int round = -WARM_UP; round < rounds; round++)
        TRY_OUT(run_round(&bench, &onednn, round > 0 ? round : 0)); // the first is written again
    rc = conclude(&bench, figures);
out:
    free(onednn.stamps);
    free(bench.stamps);
    return rc;
}

void bench_figures_destroy(struct bench_figures *figures)
{
    free(figures->ops);
    *figures = (struct bench_figures){0};
}
