// SPDX-License-Identifier: MIT
// `oneiros bench`: what this machine can do at most, and how close the network comes to it.
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/arguments.h"
#include "commands/bench_measure.h"
#include "commands/bench_print.h"
#include "commands/commands.h"
#include "commands/options.h"
#include "common/config/config_schema.h"
#include "common/config/config_value.h"
#include "common/picture/geometry.h"
#include "common/system/log.h"
#include "job/planning.h"
#include "job/resources.h"
#include "kernels/network/parameters.h"
#include "weights/model_fetch.h"
#include "weights/weights.h"

enum { SIZES_MAX = 16, REPEATS_MAX = 1000, SIZE_MAX_PIXELS = 16384, THREADS_MAX = 1024 };
static const int default_sizes[] = {299, 512, 1024};

struct bench_options {
    struct config config; // targets, objective, precision, plan
    const char *plan;     // of --plan; NULL: not given
    int sizes[SIZES_MAX], size_count;
    int repeats, threads;
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
        return fail(STATUS_USAGE, "%s: '%s' is not a number from %d to %d", option, text, least, most);
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

static enum status take_setting(void *context, const char *value)
{
    return config_set(&((struct bench_options *)context)->config, value);
}

static enum status parse(struct bench_options *options, int argc, char **argv)
{
    const struct command_option table[] = {
        {"size", .take = take_size},        {"threads", .take = take_threads},
        {"repeats", .take = take_repeats},  {"plan", .text = &options->plan},
        {"set", 's', .take = take_setting}, {"layers", .flag = &options->layers},
        {"json", .flag = &options->json},   {NULL},
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
    options->threads = resources_threads(options->threads ? options->threads : options->config.threads, 1, resources_processors());
    return STATUS_OK;
}

static enum status read_weights(const struct config *config, float *weights, struct weights_info *info)
{
    char path[FILE_PATH_MAX];
    if (!weights)
        return fail(STATUS_LIMIT, "no memory for the weights");
    if (strcmp(config->model.path, "auto") == 0)
        TRY(model_default_path(path));
    else
        snprintf(path, sizeof path, "%s", config->model.path);
    return weights_read(path, network_inception_v3(), weights, info);
}

// The network as `oneiros dream` would run it. *plan_text and *engine are the caller's to free, also after a failure.
static enum status prepare(struct bench_options *options, const float *weights, const struct objective *objective, char **plan_text,
                           struct engine **engine)
{
    char *file_text = NULL;
    enum status rc;
    struct plan *plan = malloc(sizeof *plan);
    if (!plan)
        return fail(STATUS_LIMIT, "no memory for a plan");
    TRY_OUT(planning_read_file(&options->config, &file_text));
    TRY_OUT(planning_find(&options->config, options->threads, weights, file_text, plan, plan_text));
    rc = engine_create(engine, objective, weights, plan);
out:
    free(file_text);
    free(plan);
    return rc;
}

static enum status bench(struct bench_options *options)
{
    struct bench_figures figures[SIZES_MAX] = {0};
    struct objective objective = {0};
    struct engine *engine = NULL;
    struct weights_info info;
    char *plan_text = NULL;
    float *weights = malloc(parameters_count(network_inception_v3()) * sizeof *weights);
    enum status rc;
    TRY_OUT(read_weights(&options->config, weights, &info));
    TRY_OUT(objective_init(&objective, &options->config, weights, info.classes));
    TRY_OUT(prepare(options, weights, &objective, &plan_text, &engine));
    struct bench_report report = {.config = &options->config,
                                  .threads = options->threads,
                                  .rounds = options->repeats,
                                  .bf16 = engine_bf16(&options->config),
                                  .plan = plan_text,
                                  .count = options->size_count,
                                  .figures = figures};
    TRY_OUT(bench_measure_peaks(options->threads, &report.peaks));
    omp_set_num_threads(options->threads);
    for (int i = 0; i < options->size_count; i++)
        TRY_OUT(bench_measure(engine, &objective, options->sizes[i], options->repeats, &figures[i]));
    if (options->json)
        TRY_OUT(bench_print_json(&report));
    else
        bench_print_table(&report, options->layers);
out:
    for (int i = 0; i < options->size_count; i++)
        bench_figures_destroy(&figures[i]);
    engine_destroy(&engine);
    objective_destroy(&objective);
    free(plan_text);
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
