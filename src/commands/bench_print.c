// SPDX-License-Identifier: MIT
#include "commands/bench_print.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

// What everything is measured against: multiply-adds in registers with all threads.
static double peak_of(const struct bench_report *report)
{
    return report->peaks.items[report->peaks.count - 1].flop[PEAK_REGISTERS];
}

static void print_head(const struct bench_report *report)
{
    struct plan_origin here;
    plan_origin_here(&here, report->threads);
    printf("%s, %s, oneDNN %s, %d thread%s\n", here.cpu, here.simd, here.onednn, report->threads, report->threads > 1 ? "s" : "");
    printf("one guided forward and backward pass to");
    for (int t = 0; t < report->config->targets.count; t++)
        printf("%s%s", t ? " + " : " ", report->config->targets.items[t].layer);
    printf(" in %s, plan %s, %d round%s\n", report->bf16 ? "bf16" : "f32", report->config->plan, report->rounds,
           report->rounds > 1 ? "s" : "");
}

static void print_peaks(const struct bench_report *report)
{
    printf("\n%-40s", "peak, GFLOP/s, by threads");
    for (int i = 0; i < report->peaks.count; i++)
        printf(" %9d", report->peaks.items[i].threads);
    putchar('\n');
    for (int kind = 0; kind < PEAK_KINDS; kind++) {
        char name[64];
        snprintf(name, sizeof name, "%s, %s", peak_name((enum peak_kind)kind), peak_type((enum peak_kind)kind));
        printf("%-40s", name);
        for (int i = 0; i < report->peaks.count; i++) {
            const double flop = report->peaks.items[i].flop[kind];
            if (flop > 0)
                printf(" %9.1f", flop / 1e9);
            else
                printf(" %9s", "-");
        }
        putchar('\n');
    }
}

static void print_sizes(const struct bench_report *report)
{
    printf("\n%-12s %-27s %10s %8s %7s %8s %7s %9s %-17s %12s\n", "pixels", "step, ms", "forward", "steps/s", "Mpx/s", "GFLOP/s", "% of",
           "bytes", "convolutions", "convolutions");
    printf("%-12s %-27s %10s %8s %7s %8s %7s %9s %-17s %12s\n", "", "median (min-max)", "ms", "", "", "", "peak", "a pixel",
           "alone (min-max)", "inside");
    for (int i = 0; i < report->count; i++) {
        const struct bench_figures *f = &report->figures[i];
        char size[32], step[64], alone[64];
        snprintf(size, sizeof size, "%d x %d", f->width, f->height);
        snprintf(step, sizeof step, "%.2f (%.2f-%.2f)", f->step.median * 1e3, f->step.min * 1e3, f->step.max * 1e3);
        snprintf(alone, sizeof alone, "%.2f (%.2f-%.2f)", f->alone.median, f->alone.min, f->alone.max);
        printf("%-12s %-27s %10.2f %8.2f %7.2f %8.1f %7.1f %9.1f %-17s %12.2f\n", size, step, f->forward.median * 1e3, 1 / f->step.median,
               f->width * (double)f->height / f->step.median / 1e6, f->flop / f->step.median / 1e9,
               100 * f->flop / f->step.median / peak_of(report), f->bytes_per_pixel, alone, f->inside.median);
    }
}

// conv2d_13+14+16+19
static void op_layers(const struct executor_op *op, char out[80])
{
    size_t used = (size_t)snprintf(out, 80, "%s", op->layer);
    for (int p = 1; p < op->part_count && used < 80; p++) {
        const char *number = strrchr(op->parts[p], '_');
        used += (size_t)snprintf(out + used, 80 - used, "+%s", number ? number + 1 : op->parts[p]);
    }
}

static void print_layers(const struct bench_report *report, const struct bench_figures *f)
{
    printf("\n%-20s %-22s %-17s %-24s %9s %9s %7s\n", "", "", "", "ms in the step", "ms alone", "GFLOP/s", "% of");
    char size[32];
    snprintf(size, sizeof size, "%d x %d", f->width, f->height);
    printf("%-20s %-22s %-17s %-24s %9s %9s %7s\n", size, "work", "method", "median (min-max)", "median", "alone", "peak");
    for (int i = 0; i < f->op_count; i++) {
        const struct bench_op *op = &f->ops[i];
        char layers[80], step[64];
        op_layers(&op->op, layers);
        snprintf(step, sizeof step, "%.3f (%.3f-%.3f)", op->step.median * 1e3, op->step.min * 1e3, op->step.max * 1e3);
        printf("%-20s %-22s ", layers, op->op.work);
        if (op->alone.median > 0)
            printf("%-17s %-24s %9.3f %9.1f %7.1f\n", op->op.method, step, op->alone.median * 1e3, op->op.flop / op->alone.median / 1e9,
                   100 * op->op.flop / op->alone.median / peak_of(report));
        else
            printf("%-17s %s\n", "", step);
    }
}

static void print_legend(bool layers)
{
    printf("\n"
           "peak: the best of %d rounds or more, since what disturbs one only makes it slower; matrices of %d x %d, by oneDNN\n"
           "%% of peak: of multiply-adds in registers, f32, with all threads\n"
           "GFLOP/s: two a multiply-add of the convolutions, as if all were direct. Winograd needs fewer, and pairs of bf16 count twice\n"
           "  where the processor multiplies them natively: more than 100%% of the peak is possible\n"
           "bytes a pixel: all memory of the pass beside the weights\n"
           "convolutions alone: the sum of their times, each run again right after itself, as a part of the same round's whole step\n"
           "convolutions inside: the sum of their times in the step, as a part of it\n",
           PEAK_ROUNDS, PEAK_SIDE, PEAK_SIDE);
    if (layers)
        puts("layers with a + are one convolution, since they read the same; a tap hands a gradient to who asks, here nobody");
}

void bench_print_table(const struct bench_report *report, bool layers)
{
    print_head(report);
    print_peaks(report);
    print_sizes(report);
    for (int i = 0; layers && i < report->count; i++)
        print_layers(report, &report->figures[i]);
    print_legend(layers);
}

static json_t *spread_to_json(const struct spread *spread)
{
    return json_pack("{s:f, s:f, s:f}", "median", spread->median, "min", spread->min, "max", spread->max);
}

static json_t *peaks_to_json(const struct bench_peaks *peaks)
{
    json_t *array = json_array();
    for (int i = 0; i < peaks->count; i++)
        for (int kind = 0; kind < PEAK_KINDS; kind++)
            if (peaks->items[i].flop[kind] > 0)
                json_array_append_new(array, json_pack("{s:i, s:s, s:s, s:f}", "threads", peaks->items[i].threads, "type",
                                                       peak_type((enum peak_kind)kind), "what", peak_name((enum peak_kind)kind), "gflops",
                                                       peaks->items[i].flop[kind] / 1e9));
    return array;
}

static json_t *op_to_json(const struct bench_op *op, double peak)
{
    json_t *layers = json_array();
    for (int p = 0; p < op->op.part_count; p++)
        json_array_append_new(layers, json_string(op->op.parts[p]));
    if (op->op.part_count == 0)
        json_array_append_new(layers, json_string(op->op.layer));
    json_t *object = json_pack("{s:o, s:s, s:b, s:o}", "layers", layers, "work", op->op.work, "backward", op->op.backward, "seconds",
                               spread_to_json(&op->step));
    if (op->alone.median > 0)
        json_object_update_new(object, json_pack("{s:s, s:f, s:o, s:f, s:f}", "method", op->op.method, "gflop", op->op.flop / 1e9,
                                                 "alone_seconds", spread_to_json(&op->alone), "gflops",
                                                 op->op.flop / op->alone.median / 1e9, "of_peak", op->op.flop / op->alone.median / peak));
    return object;
}

static json_t *figures_to_json(const struct bench_figures *f, double peak)
{
    json_t *layers = json_array();
    for (int i = 0; i < f->op_count; i++)
        json_array_append_new(layers, op_to_json(&f->ops[i], peak));
    return json_pack("{s:i, s:i, s:o, s:o, s:f, s:f, s:f, s:f, s:f, s:f, s:o, s:o, s:o}", "width", f->width, "height", f->height, "seconds",
                     spread_to_json(&f->step), "forward_seconds", spread_to_json(&f->forward), "gflop", f->flop / 1e9, "bytes_per_pixel",
                     f->bytes_per_pixel, "steps_a_second", 1 / f->step.median, "mpx_a_second",
                     f->width * (double)f->height / f->step.median / 1e6, "gflops", f->flop / f->step.median / 1e9, "of_peak",
                     f->flop / f->step.median / peak, "convolutions_alone", spread_to_json(&f->alone), "convolutions_inside",
                     spread_to_json(&f->inside), "layers", layers);
}

enum status bench_print_json(const struct bench_report *report)
{
    enum status rc = STATUS_OK;
    struct plan_origin here;
    plan_origin_here(&here, report->threads);
    json_t *steps = json_array(), *targets = json_array();
    for (int i = 0; i < report->count; i++)
        json_array_append_new(steps, figures_to_json(&report->figures[i], peak_of(report)));
    for (int t = 0; t < report->config->targets.count; t++)
        json_array_append_new(targets, json_string(report->config->targets.items[t].layer));
    json_t *root =
        json_pack("{s:s, s:{s:s, s:s, s:s}, s:i, s:i, s:s, s:o, s:s, s:s, s:s, s:o, s:o}", "version", ONEIROS_VERSION, "machine", "cpu",
                  here.cpu, "simd", here.simd, "onednn", here.onednn, "threads", report->threads, "repeats", report->rounds, "gradient",
                  "guided", "targets", targets, "precision", report->bf16 ? "bf16" : "f32", "plan_setting", report->config->plan, "plan",
                  report->plan, "peak", peaks_to_json(&report->peaks), "steps", steps);
    if (!root)
        rc = fail(STATUS_FORMAT, "no JSON: a name is not UTF-8");
    else if (json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) != 0 || putchar('\n') == EOF)
        rc = fail(STATUS_IO, "cannot write to standard output");
    json_decref(root);
    return rc;
}
