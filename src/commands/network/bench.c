// SPDX-License-Identifier: MIT
// `oneiros bench`: what this machine can do at most, and how close the network comes to it.
#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/arguments.h"
#include "commands/commands.h"
#include "commands/network/bench_measure.h"
#include "commands/network/model_graph.h"
#include "commands/options.h"
#include "common/config/config_schema.h"
#include "common/config/config_value.h"
#include "common/picture/geometry.h"
#include "common/system/log.h"
#include "job/planning.h"
#include "job/resources.h"
#include "kernels/convolution/plan.h"
#include "kernels/network/parameters.h"
#include "weights/model_fetch.h"
#include "weights/weights.h"

enum { SIZES_MAX = 16, REPEATS_MAX = 1000, SIZE_MAX_PIXELS = 16384, THREADS_MAX = 8192 };
static const int default_sizes[] = {299, 512, 1024};

struct bench_options {
    struct config config; // targets, objective, precision, plan
    const char *plan;     // of --plan; NULL: not given
    int sizes[SIZES_MAX], size_count;
    int repeats, threads;
    struct cores cores; // of this process
    bool layers, json;
    struct command_line line;
};

static const char help_text[] =
    "Usage: oneiros bench [OPTION]...\n"
    "Finds this machine's peak, and times guided forward and backward passes of the network beside it: whole steps, and each layer.\n"
    "\n"
    "      --size N           a picture of N x N pixels; may be given several times (default: 299, 512 and 1024)\n"
    "      --threads N        OpenMP threads (default: what this process may use)\n"
    "      --repeats N        rounds for each size, after 2 that do not count (default: 15). A round times one whole step and every\n"
    "                         operation in it, then every convolution by itself; medians over the rounds count\n"
    "      --plan FILE        how convolutions run, as in an earlier run: its run.h5, or a plan as the cache keeps it\n"
    "  -s, --set KEY=VALUE    a setting as in `oneiros dream`, such as targets=mixed4:1, precision=f32, plan=off or model.path=FILE\n"
    "      --layers           a row for every operation too: its method, its time in the step and alone, its rate\n"
    "      --json             for programs: all that was found as JSON, every operation included\n"
    "  -h, --help             this text\n"
    "\n"
    "The plan is made and kept as `oneiros dream` does it, so that both run the same. Other programs on the machine make every number\n"
    "worse: look at the spread.\n";

static enum status number(const char *option, const char *text, int least, int most, int *value)
{
    char *end;
    const long parsed = strtol(text, &end, 10);
    if (end == text || *end != '\0' || parsed < least || parsed > most)
        return fail(STATUS_USAGE, "%s: '%s' is not a number from %d to %d; see `oneiros bench --help`", option, text, least, most);
    *value = (int)parsed;
    return STATUS_OK;
}

static enum status take_size(void *context, const char *value)
{
    struct bench_options *options = context;
    if (options->size_count == SIZES_MAX)
        return fail(STATUS_USAGE, "--size: at most %d sizes", SIZES_MAX);
    return number("--size", value, GEOMETRY_MIN_SIDE, SIZE_MAX_PIXELS, &options->sizes[options->size_count++]);
}

static enum status take_threads(void *context, const char *value)
{
    return number("--threads", value, 1, THREADS_MAX, &((struct bench_options *)context)->threads);
}

static enum status take_repeats(void *context, const char *value)
{
    return number("--repeats", value, 1, REPEATS_MAX, &((struct bench_options *)context)->repeats);
}

static enum status choose_threads(struct bench_options *options)
{
    char doubt[RESOURCES_DOUBT_MAX];
    TRY(resources_cores_alone(&options->cores));
    const struct threads threads = resources_threads(options->threads ? options->threads : options->config.threads, &options->cores);
    resources_doubt(&threads, &options->cores, doubt);
    if (doubt[0])
        log_warning("%s", doubt);
    options->threads = threads.count;
    return STATUS_OK;
}

static enum status parse(struct bench_options *options, int argc, char **argv)
{
    const struct command_option table[] = {
        {"size", .take = take_size},
        {"threads", .take = take_threads},
        {"repeats", .take = take_repeats},
        {"plan", .text = &options->plan},
        {"set", 's', .config = &options->config},
        {"layers", .flag = &options->layers},
        {"json", .flag = &options->json},
        {0},
    };
    *options = (struct bench_options){.repeats = 15};
    config_init(&options->config);
    TRY(command_line_parse(&options->line, table, options, argc, argv));
    if (options->line.help)
        return STATUS_OK;
    if (options->line.operand_count > 0)
        return fail(STATUS_USAGE, "bench takes no argument '%s'", options->line.operands[0]);
    if (options->plan)
        TRY(fail_in(config_value_parse(&options->config, config_find("plan"), options->plan), "--plan"));
    TRY(arguments_check_config(&options->config));
    if (options->config.objective == OBJECTIVE_GUIDE)
        return fail(STATUS_USAGE, "objective: bench has no picture for guide; mean_square costs the same but for the comparison");
    if (options->size_count == 0) {
        memcpy(options->sizes, default_sizes, sizeof default_sizes);
        options->size_count = sizeof default_sizes / sizeof default_sizes[0];
    }
    return choose_threads(options);
}

// What has been found.
struct bench_report {
    const struct bench_options *options;
    bool bf16;
    char *plan; // its text
    struct bench_peaks peaks;
    struct bench_figures figures[SIZES_MAX]; // [options->size_count]
};

// What everything is measured against: multiply-adds in registers with all threads.
static double peak_of(const struct bench_report *report)
{
    return report->peaks.items[report->peaks.count - 1].flop[PEAK_REGISTERS];
}

static void print_head(const struct bench_report *report)
{
    struct plan_origin here;
    const struct cores *cores = &report->options->cores;
    plan_origin_here(&here, report->options->threads);
    printf("%s, %s, oneDNN %s, %d thread%s on %d core%s of %d NUMA node%s\n", here.cpu, here.simd, here.onednn, report->options->threads,
           report->options->threads > 1 ? "s" : "", cores->own, cores->own > 1 ? "s" : "", cores->numa_nodes,
           cores->numa_nodes > 1 ? "s" : "");
    printf("one guided forward and backward pass to");
    for (int t = 0; t < report->options->config.targets.count; t++)
        printf("%s%s", t ? " + " : " ", report->options->config.targets.items[t].layer);
    printf(" in %s, plan %s, %d round%s\n", report->bf16 ? "bf16" : "f32", report->options->config.plan, report->options->repeats,
           report->options->repeats > 1 ? "s" : "");
}

static void print_peaks(const struct bench_report *report)
{
    printf("\n%-40s", "peak, GFLOP/s, by threads");
    for (int i = 0; i < report->peaks.count; i++)
        printf(" %9d", report->peaks.items[i].threads);
    putchar('\n');
    for (int kind = 0; kind < PEAK_KINDS; kind++) {
        char name[64];
        snprintf(name, sizeof name, "%s, %s", peak_labels[kind].name, peak_labels[kind].type);
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
    printf("\n%-12s %-27s %-17s %8s %8s %7s %8s %5s %8s %-17s %12s\n", "pixels", "step, ms", "all by oneDNN", "forward", "steps/s", "Mpx/s",
           "GFLOP/s", "% of", "bytes", "convolutions", "convolutions");
    printf("%-12s %-27s %-17s %8s %8s %7s %8s %5s %8s %-17s %12s\n", "", "median (min-max)", "ms (times)", "ms", "", "", "", "peak",
           "a pixel", "alone (min-max)", "inside");
    for (int i = 0; i < report->options->size_count; i++) {
        const struct bench_figures *f = &report->figures[i];
        char size[32], step[64], onednn[64], alone[64];
        snprintf(size, sizeof size, "%d x %d", f->width, f->height);
        snprintf(step, sizeof step, "%.2f (%.2f-%.2f)", f->step.median * 1e3, f->step.min * 1e3, f->step.max * 1e3);
        snprintf(onednn, sizeof onednn, "%.2f (%.2f)", f->onednn.median * 1e3, f->slower.median);
        snprintf(alone, sizeof alone, "%.2f (%.2f-%.2f)", f->alone.median, f->alone.min, f->alone.max);
        printf("%-12s %-27s %-17s %8.2f %8.2f %7.2f %8.1f %5.1f %8.1f %-17s %12.2f\n", size, step, onednn, f->forward.median * 1e3,
               1 / f->step.median, f->width * (double)f->height / f->step.median / 1e6, f->flop / f->step.median / 1e9,
               100 * f->flop / f->step.median / peak_of(report), f->bytes_per_pixel, alone, f->inside.median);
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
        model_graph_layers(&op->op, layers);
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
           "all by oneDNN: a step with `plan: onednn`, and how many times as long it takes as the step beside it\n"
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

static void print_table(const struct bench_report *report)
{
    print_head(report);
    print_peaks(report);
    print_sizes(report);
    for (int i = 0; report->options->layers && i < report->options->size_count; i++)
        print_layers(report, &report->figures[i]);
    print_legend(report->options->layers);
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
                json_array_append_new(array,
                                      json_pack("{s:i, s:s, s:s, s:f}", "threads", peaks->items[i].threads, "type", peak_labels[kind].type,
                                                "what", peak_labels[kind].name, "gflops", peaks->items[i].flop[kind] / 1e9));
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
    return json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:f, s:f, s:f, s:f, s:f, s:f, s:o, s:o, s:o}", "width", f->width, "height", f->height,
                     "seconds", spread_to_json(&f->step), "onednn_seconds", spread_to_json(&f->onednn), "onednn_times",
                     spread_to_json(&f->slower), "forward_seconds", spread_to_json(&f->forward), "gflop", f->flop / 1e9, "bytes_per_pixel",
                     f->bytes_per_pixel, "steps_a_second", 1 / f->step.median, "mpx_a_second",
                     f->width * (double)f->height / f->step.median / 1e6, "gflops", f->flop / f->step.median / 1e9, "of_peak",
                     f->flop / f->step.median / peak, "convolutions_alone", spread_to_json(&f->alone), "convolutions_inside",
                     spread_to_json(&f->inside), "layers", layers);
}

static enum status print_json(const struct bench_report *report)
{
    enum status rc = STATUS_OK;
    struct plan_origin here;
    plan_origin_here(&here, report->options->threads);
    json_t *steps = json_array(), *targets = json_array();
    for (int i = 0; i < report->options->size_count; i++)
        json_array_append_new(steps, figures_to_json(&report->figures[i], peak_of(report)));
    for (int t = 0; t < report->options->config.targets.count; t++)
        json_array_append_new(targets, json_string(report->options->config.targets.items[t].layer));
    json_t *root =
        json_pack("{s:s, s:{s:s, s:s, s:s, s:i, s:i}, s:i, s:i, s:s, s:o, s:s, s:s, s:s, s:o, s:o}", "version", ONEIROS_VERSION, "machine",
                  "cpu", here.cpu, "simd", here.simd, "onednn", here.onednn, "cores", report->options->cores.own, "numa_nodes",
                  report->options->cores.numa_nodes, "threads", report->options->threads, "repeats", report->options->repeats, "gradient",
                  "guided", "targets", targets, "precision", report->bf16 ? "bf16" : "f32", "plan_setting", report->options->config.plan,
                  "plan", report->plan, "peak", peaks_to_json(&report->peaks), "steps", steps);
    if (!root)
        rc = fail(STATUS_FORMAT, "no JSON: a name is not UTF-8");
    else if (json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) != 0 && !ferror(stdout)) // which main() looks at
        rc = no_memory("for the measures as JSON");
    putchar('\n');
    json_decref(root);
    return rc;
}

static enum status read_weights(const struct config *config, float *weights, struct weights_info *info)
{
    char path[FILE_PATH_MAX];
    TRY(model_path(config->model.path, path));
    return model_path_fail(weights_read(path, network_inception_v3(), weights, info), config->model.path);
}

// The network as `oneiros dream` would run it. *plan_text and *engine are the caller's to free, also after a failure.
static enum status prepare(struct bench_options *options, const float *weights, const struct objective *objective, char **plan_text,
                           struct engine **engine)
{
    char *file_text = NULL;
    enum status rc;
    struct plan *plan;
    TRY(ALLOCATE(plan, 1, "for a plan"));
    TRY_OUT(planning_read_file(&options->config, &file_text));
    TRY_OUT(planning_find(&options->config, options->threads, weights, file_text, plan, plan_text));
    rc = engine_create(engine, objective, weights, plan);
out:
    free(file_text);
    free(plan);
    return rc;
}

// The trusted baseline.
static enum status prepare_onednn(const struct bench_options *options, const float *weights, const struct objective *objective,
                                  struct engine **engine)
{
    struct config config = options->config;
    struct plan *plan;
    char *text = NULL;
    enum status rc;
    snprintf(config.plan, sizeof config.plan, "onednn");
    TRY(ALLOCATE(plan, 1, "for a plan"));
    TRY_OUT(planning_find(&config, options->threads, weights, NULL, plan, &text));
    rc = engine_create(engine, objective, weights, plan);
out:
    free(text);
    free(plan);
    return rc;
}

static enum status bench(struct bench_options *options)
{
    struct bench_report report = {.options = options, .bf16 = engine_bf16(&options->config)};
    struct objective objective = {0};
    struct engine *engine = NULL, *by_onednn = NULL;
    struct weights_info info;
    float *weights;
    enum status rc;
    TRY_OUT(ALLOCATE(weights, parameters_count(network_inception_v3()), "for the weights"));
    TRY_OUT(read_weights(&options->config, weights, &info));
    TRY_OUT(weights_choose_class(&info, &options->config));
    TRY_OUT(objective_init(&objective, &options->config, weights, info.classes));
    TRY_OUT(prepare(options, weights, &objective, &report.plan, &engine));
    TRY_OUT(prepare_onednn(options, weights, &objective, &by_onednn));
    TRY_OUT(bench_measure_peaks(options->threads, &report.peaks));
    omp_set_num_threads(options->threads);
    for (int i = 0; i < options->size_count; i++)
        TRY_OUT(bench_measure(engine, by_onednn, &objective, options->sizes[i], options->repeats, &report.figures[i]));
    if (options->json)
        TRY_OUT(print_json(&report));
    else
        print_table(&report);
out:
    for (int i = 0; i < options->size_count; i++)
        bench_figures_destroy(&report.figures[i]);
    engine_destroy(&by_onednn);
    engine_destroy(&engine);
    objective_destroy(&objective);
    free(report.plan);
    free(weights);
    return rc;
}

int command_bench(int argc, char **argv)
{
    struct bench_options options;
    enum status rc = parse(&options, argc, argv);
    if (rc == STATUS_OK && options.line.help)
        fputs(help_text, stdout);
    else if (rc == STATUS_OK)
        rc = bench(&options);
    if (rc != STATUS_OK)
        log_error("%s", status_message());
    return exit_code(rc);
}
