// SPDX-License-Identifier: MIT
// `oneiros bench`: how long one guided forward and backward pass takes on this machine, and the memory it needs.
#include <getopt.h>
#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/commands.h"
#include "common/clock.h"
#include "common/config.h"
#include "common/config_number.h"
#include "common/log.h"
#include "kernels/weights.h"
#include "model/model_fetch.h"
#include "worker/engine.h"
#include "worker/objective.h"
#include "worker/resources.h"

enum { SIZES_MAX = 16, REPEATS_MAX = 1000, WARM_UP = 2 };

struct bench_options {
    struct config config; // targets and gradient mode
    int sizes[SIZES_MAX], size_count;
    int repeats, threads;
    bool json, help;
};

// Of several runs, in seconds.
struct spread {
    double median, min, max;
};

struct step_figures {
    int width, height;
    struct spread forward, step;
    double flop, bytes_per_pixel;
};

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct spread spread_of(double *seconds, int count)
{
    qsort(seconds, (size_t)count, sizeof *seconds, by_value);
    return (struct spread){.median = (seconds[(count - 1) / 2] + seconds[count / 2]) / 2, .min = seconds[0], .max = seconds[count - 1]};
}

// Anything that is not flat: what the values are does not change the time.
static void fill_image(float *image, int width, int height)
{
    for (int i = 0; i < 3 * width * height; i++)
        image[i] = (float)((i * 2654435761u) >> 8) / (1 << 23) - 1;
}

static enum status time_step(const struct bench_options *options, struct engine *engine, const struct objective *objective, int size,
                             struct step_figures *figures)
{
    const struct rectangle all = {0, 0, size, size};
    const struct tile whole = {.window = all, .core = all, .reach = all};
    struct objective_view view = {.tile = &whole, .width = size, .height = size};
    double forward[REPEATS_MAX], step[REPEATS_MAX], sums[CONFIG_TARGETS_MAX];
    struct executor *executor;
    enum status rc;
    TRY(engine_executor(engine, size, size, &executor));
    objective_values(objective, size, size, view.values);
    for (int i = -WARM_UP; i < options->repeats; i++) {
        fill_image(executor_image(executor), size, size);
        const double start = now();
        TRY(executor_forward(executor));
        const double middle = now();
        TRY(objective_sums(objective, executor, &view, sums));
        objective_gradient(objective, executor, &view);
        TRY(executor_backward(executor, GRADIENT_MODE_GUIDED, 0));
        if (i >= 0) {
            forward[i] = middle - start;
            step[i] = now() - start;
        }
    }
    *figures = (struct step_figures){.width = size,
                                     .height = size,
                                     .forward = spread_of(forward, options->repeats),
                                     .step = spread_of(step, options->repeats),
                                     .flop = executor_flop(executor),
                                     .bytes_per_pixel = (double)executor_bytes(executor) / ((double)size * size)};
out:
    return rc;
}

static json_t *spread_to_json(const struct spread *spread)
{
    return json_pack("{s:f, s:f, s:f}", "median", spread->median, "min", spread->min, "max", spread->max);
}

static void print_json(const struct bench_options *options, const struct step_figures *figures)
{
    json_t *steps = json_array();
    for (int i = 0; i < options->size_count; i++) {
        const struct step_figures *f = &figures[i];
        json_array_append_new(steps, json_pack("{s:i, s:i, s:o, s:o, s:f, s:f}", "width", f->width, "height", f->height, "seconds",
                                               spread_to_json(&f->step), "forward_seconds", spread_to_json(&f->forward), "gflop",
                                               f->flop / 1e9, "bytes_per_pixel", f->bytes_per_pixel));
    }
    json_t *root = json_pack("{s:s, s:i, s:i, s:s, s:o}", "version", ONEIROS_VERSION, "threads", options->threads, "repeats",
                             options->repeats, "gradient", "guided", "steps", steps);
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(root);
}

static void print_table(const struct bench_options *options, const struct step_figures *figures)
{
    printf("one guided forward and backward pass to");
    for (int t = 0; t < options->config.targets.count; t++)
        printf("%s%s", t ? " + " : " ", options->config.targets.items[t].layer);
    printf(", %d threads, median of %d (min-max)\n\n", options->threads, options->repeats);
    printf("%-12s %-28s %-12s %10s %8s %14s\n", "pixels", "seconds", "forward", "GFLOP/s", "Mpx/s", "bytes a pixel");
    for (int i = 0; i < options->size_count; i++) {
        const struct step_figures *f = &figures[i];
        char size[32], seconds[64];
        snprintf(size, sizeof size, "%d x %d", f->width, f->height);
        snprintf(seconds, sizeof seconds, "%.4f (%.4f-%.4f)", f->step.median, f->step.min, f->step.max);
        printf("%-12s %-28s %-12.4f %10.1f %8.2f %14.1f\n", size, seconds, f->forward.median, f->flop / f->step.median / 1e9,
               f->width * (double)f->height / f->step.median / 1e6, f->bytes_per_pixel);
    }
    printf("\nbytes a pixel: all memory of the pass beside the weights\n");
}

static void print_help(void)
{
    puts("Usage: oneiros bench [OPTION]...\n"
         "Times one guided forward and backward pass of the network on this machine.\n"
         "\n"
         "  --size N            a picture of N x N pixels; may be given several times (default: 299, 512, 1024)\n"
         "  --threads N         OpenMP threads (default: what this process may use)\n"
         "  --repeats N         timed passes of each size, after 2 that are not counted (default: 15)\n"
         "  -s KEY=VALUE        a setting as in `oneiros dream`, such as targets=mixed4 or model.path=FILE\n"
         "  --json              for programs: the figures as JSON\n"
         "  --help              this text");
}

static enum status number(const char *option, const char *text, int least, int most, int *value)
{
    char *end;
    const long parsed = strtol(text, &end, 10);
    if (end == text || *end != '\0' || parsed < least || parsed > most)
        return fail(STATUS_USAGE, "%s: '%s' is not a number from %d to %d", option, text, least, most);
    *value = (int)parsed;
    return STATUS_OK;
}

static enum status parse(struct bench_options *options, int argc, char **argv)
{
    static const struct option names[] = {{"size", required_argument, NULL, 'n'},
                                          {"threads", required_argument, NULL, 't'},
                                          {"repeats", required_argument, NULL, 'r'},
                                          {"set", required_argument, NULL, 's'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    enum status rc = STATUS_OK;
    int letter;
    *options = (struct bench_options){.repeats = 15};
    config_init(&options->config);
    while ((letter = getopt_long(argc, argv, "s:h", names, NULL)) != -1) {
        switch (letter) {
        case 'n':
            if (options->size_count == SIZES_MAX)
                return fail(STATUS_USAGE, "--size: at most %d sizes", SIZES_MAX);
            TRY(number("--size", optarg, NETWORK_MIN_SIDE, 16384, &options->sizes[options->size_count++]));
            break;
        case 't':
            TRY(number("--threads", optarg, 1, 1024, &options->threads));
            break;
        case 'r':
            TRY(number("--repeats", optarg, 1, REPEATS_MAX, &options->repeats));
            break;
        case 's':
            TRY(config_set(&options->config, optarg));
            break;
        case 'j':
            options->json = true;
            break;
        case 'h':
            options->help = true;
            break;
        default:
            return fail(STATUS_USAGE, "`oneiros bench --help` lists the options");
        }
    }
    if (optind < argc)
        return fail(STATUS_USAGE, "bench takes no argument '%s'", argv[optind]);
    if (options->size_count == 0) {
        const int defaults[] = {299, 512, 1024};
        memcpy(options->sizes, defaults, sizeof defaults);
        options->size_count = 3;
    }
    options->threads = resources_threads(options->threads ? options->threads : options->config.threads, 1, resources_processors());
out:
    return rc;
}

static enum status bench(const struct bench_options *options)
{
    struct step_figures figures[SIZES_MAX];
    struct objective objective = {0};
    struct engine *engine = NULL;
    struct weights_info info;
    char path[FILE_PATH_MAX];
    float *weights = malloc(weights_count(network_inception_v3()) * sizeof *weights);
    enum status rc;
    if (!weights)
        return fail(STATUS_LIMIT, "no memory for the weights");
    if (strcmp(options->config.model.path, "auto") == 0)
        TRY(model_default_path(path));
    else
        snprintf(path, sizeof path, "%s", options->config.model.path);
    TRY(weights_read(path, network_inception_v3(), weights, &info));
    omp_set_num_threads(options->threads);
    TRY(objective_init(&objective, &options->config, weights, info.classes));
    TRY(engine_create(&engine, &objective, weights));
    for (int i = 0; i < options->size_count; i++)
        TRY(time_step(options, engine, &objective, options->sizes[i], &figures[i]));
    if (options->json)
        print_json(options, figures);
    else
        print_table(options, figures);
out:
    engine_destroy(&engine);
    objective_destroy(&objective);
    free(weights);
    return rc;
}

int command_bench(int argc, char **argv)
{
    struct bench_options options;
    enum status rc = parse(&options, argc, argv);
    if (rc == STATUS_OK && options.help)
        print_help();
    else if (rc == STATUS_OK)
        rc = bench(&options);
    if (rc == STATUS_OK)
        return EXIT_ALL_DONE;
    log_error("%s", status_message());
    return rc == STATUS_INTERNAL ? EXIT_INTERNAL : EXIT_USAGE;
}
