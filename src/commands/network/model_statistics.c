// SPDX-License-Identifier: MIT
#include "commands/network/model_statistics.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/system/clock.h"
#include "common/system/huge_pages.h"
#include "common/system/log.h"
#include "common/system/text.h"
#include "coordinator/intake/intake_list.h"
#include "coordinator/intake/load.h"
#include "kernels/execution/executor.h"
#include "kernels/network/parameters.h"
#include "weights/channel_statistics.h"
#include "weights/model_fetch.h"
#include "weights/weights.h"

// A picture that is much longer than it is high would need as much memory.
enum { SHAPE_MAX = 4, SAY_SO_AFTER = 5, WANTED = 100, FEWEST = 30 };

struct picture {
    char sha256[65];
    char *source;
};

struct survey {
    const struct statistics_options *options;
    struct config config; // with the size that pictures are brought to
    const struct network *network;
    float *weights;
    struct weight_cache *cache;
    char digest[65];
    char path[FILE_PATH_MAX];
    struct picture *pictures; // [room]
    int count, room, failed;
    // Of each channel, where statistics_start() has its mean: sums over all positions; means of pictures, and of squares of their distances
    // from that; and how many positions and pictures there were.
    double *sums, *squares, *means, *spreads;
    double positions[256]; // of each row
    int measured;
};

static void say_failed(struct survey *s, const char *source)
{
    log_warning("%s: %s", source, status_message());
    s->failed++;
}

static enum status add_picture(struct survey *s, const char *source)
{
    void *bytes = NULL;
    size_t size;
    enum status rc;
    if (s->count == s->room) {
        struct picture *larger = realloc(s->pictures, (size_t)(2 * s->room + 64) * sizeof *larger);
        if (!larger)
            return no_memory("for %d pictures", s->count);
        s->pictures = larger;
        s->room = 2 * s->room + 64;
    }
    struct picture *picture = &s->pictures[s->count];
    rc = file_read(source, s->config.input.max_bytes, &bytes, &size);
    if (rc == STATUS_OK)
        rc = bytes_sha256(bytes, size, picture->sha256);
    free(bytes);
    if (rc != STATUS_OK) {
        say_failed(s, source);
        return STATUS_OK;
    }
    picture->source = strdup(source);
    s->count += picture->source != NULL;
    return picture->source ? STATUS_OK : no_memory("for %d pictures", s->count);
}

static int by_digest(const void *a, const void *b)
{
    return strcmp(((const struct picture *)a)->sha256, ((const struct picture *)b)->sha256);
}

static enum status find_pictures(struct survey *s)
{
    struct intake *intake = NULL;
    struct intake_entry entry;
    int *lists = NULL;
    bool end = false;
    enum status rc;
    TRY_OUT(intake_lists_read(s->options->inputs, s->options->input_count, &lists));
    TRY_OUT(intake_create(
        &intake,
        &(struct intake_options){.output = "/dev/null", .inputs = s->options->inputs, .count = s->options->input_count, .lists = lists}));
    for (;;) {
        intake_pass(intake, &entry, &end);
        if (end)
            break;
        if (entry.status == STATUS_OK && entry.kind != INTAKE_FILE)
            entry.status =
                fail(STATUS_UNSUPPORTED, entry.kind == INTAKE_URL ? "an address: fetch the picture first" : "noise is no picture");
        else if (entry.status != STATUS_OK)
            entry.status = fail(entry.status, "%s", entry.error);
        if (entry.status != STATUS_OK)
            say_failed(s, entry.shown);
        else
            TRY_OUT(add_picture(s, entry.source));
    }
    if (s->count > 0)
        qsort(s->pictures, (size_t)s->count, sizeof *s->pictures, by_digest);
out:
    intake_destroy(&intake);
    intake_lists_destroy(&lists, s->options->input_count);
    return rc;
}

// Of one layer: to the sums, and each channel's mean to those of the pictures.
static void take_tensor(struct survey *s, int row, const struct tensor *a)
{
    const size_t positions = (size_t)a->width * (size_t)a->height, block = (size_t)a->block;
    const size_t start = statistics_start(s->network, row, CHANNEL_MEAN);
    const double number = s->measured + 1;
    s->positions[row] += (double)positions;
#pragma omp parallel for schedule(static)
    for (int c = 0; c < a->channels; c++) {
        const float *values = a->data + ((size_t)c / block * positions * block) + (size_t)c % block;
        const size_t at = start + (size_t)c;
        double sum = 0, square = 0;
        for (size_t p = 0; p < positions; p++) {
            const double value = values[p * block];
            sum += value;
            square += value * value;
        }
        s->sums[at] += sum;
        s->squares[at] += square;
        const double distance = sum / (double)positions - s->means[at];
        s->means[at] += distance / number;
        s->spreads[at] += distance * (sum / (double)positions - s->means[at]);
    }
}

// The layers from row *next on that one pass can have as targets.
static int take_targets(const struct survey *s, int *next, int targets[GRAPH_TARGETS_MAX])
{
    int count = 0;
    for (; *next < s->network->layer_count && count < GRAPH_TARGETS_MAX; ++*next)
        if (!statistics_follow(s->network, *next))
            targets[count++] = *next;
    return count;
}

// The picture is whole: what a layer answers at its border counts as in a dream of it.
static enum status pass(struct survey *s, const struct image *image, const int *targets, int count)
{
    struct executor *executor = NULL;
    void *memory = NULL;
    enum status rc;
    TRY_OUT(executor_create(&executor, &(struct executor_options){.network = s->network,
                                                                  .cache = s->cache,
                                                                  .plan = &(struct plan){0}, // the same rounding everywhere
                                                                  .width = image->width,
                                                                  .height = image->height,
                                                                  .target_count = count,
                                                                  .targets = targets}));
    memory = huge_pages_alloc(executor_bytes(executor));
    if (!memory)
        TRY_OUT(no_memory("for the network's activations"));
    TRY_OUT(executor_bind(executor, memory));
    memcpy(executor_image(executor), image->rgb, 3 * (size_t)image->width * (size_t)image->height * sizeof *image->rgb);
    TRY_OUT(executor_forward(executor));
    for (int t = 0; t < count; t++) {
        const struct tensor activation = executor_target(executor, t);
        take_tensor(s, targets[t], &activation);
    }
out:
    executor_destroy(&executor);
    free(memory);
    return rc;
}

static enum status load(const struct survey *s, const struct picture *picture, struct task *task)
{
    struct timing timing = {0};
    task->job = JOB_SCAN;
    TRY(load_pixels(task, INTAKE_FILE, picture->source, -1, &s->config, &timing));
    const int width = task->image.width, height = task->image.height, longer = width > height ? width : height;
    if (strcmp(task->record.sha256, picture->sha256) != 0)
        return fail(STATUS_IO, "it has changed meanwhile");
    if (longer > SHAPE_MAX * s->options->side)
        return fail(STATUS_LIMIT, "more than %d times as long as on its shorter side", SHAPE_MAX);
    return STATUS_OK;
}

static enum status measure(struct survey *s, const struct picture *picture)
{
    int targets[GRAPH_TARGETS_MAX];
    struct task *task = task_create();
    enum status rc = STATUS_OK;
    if (!task)
        return no_memory("for a picture");
    if (load(s, picture, task) != STATUS_OK) {
        say_failed(s, picture->source);
        goto out;
    }
    for (int next = 1, count; (count = take_targets(s, &next, targets)) > 0;)
        TRY_OUT(pass(s, &task->image, targets, count));
    s->measured++;
out:
    task_destroy(&task);
    return rc;
}

// So few say little, and what is in the cache counts for every dream to come.
static enum status check_count(const struct survey *s, int count)
{
    if (count < 2)
        return fail(STATUS_USAGE, "%d picture%s could be measured: what channels usually answer is seen over many, a hundred or more",
                    count, PLURAL(count));
    if (count < FEWEST && !s->options->force)
        return fail(STATUS_USAGE, "%d pictures are too few: what channels usually answer is seen over %d or more; --force measures even so",
                    count, WANTED);
    return STATUS_OK;
}

static enum status measure_all(struct survey *s)
{
    double said = now();
    int different = 0;
    for (int i = 0; i < s->count; i++)
        different += i == 0 || strcmp(s->pictures[i].sha256, s->pictures[i - 1].sha256) != 0;
    TRY(check_count(s, different));
    for (int i = 0; i < s->count; i++) {
        if (i > 0 && strcmp(s->pictures[i].sha256, s->pictures[i - 1].sha256) == 0)
            continue;
        TRY(measure(s, &s->pictures[i]));
        if (now() - said > SAY_SO_AFTER) {
            said = now();
            log_info("measured %d of %d pictures", s->measured, s->count);
        }
    }
    return check_count(s, s->measured);
}

static enum status write_file(const struct survey *s)
{
    const struct statistics_info info = {.pictures = s->measured, .side = s->options->side};
    const struct network *network = s->network;
    float *statistics;
    TRY(ALLOCATE(statistics, statistics_count(network), "for statistics of channels"));
    for (int row = 1; row < network->layer_count; row++) {
        const size_t start = statistics_start(network, row, CHANNEL_MEAN), channels = (size_t)network->layers[row].channels;
        for (size_t c = 0; c < channels && !statistics_follow(network, row); c++) {
            float *const of = statistics + start + c;
            of[CHANNEL_MEAN * channels] = (float)(s->sums[start + c] / s->positions[row]);
            of[CHANNEL_MEAN_SQUARE * channels] = (float)(s->squares[start + c] / s->positions[row]);
            of[CHANNEL_PICTURE_MEAN * channels] = (float)s->means[start + c];
            of[CHANNEL_PICTURE_DEVIATION * channels] = (float)sqrt(s->spreads[start + c] / (s->measured - 1));
        }
    }
    const enum status rc = statistics_write(s->path, s->digest, statistics, &info);
    free(statistics);
    return rc;
}

// Where the file goes. What is in the cache counts before what comes with the program, so that it is not replaced by mistake.
static enum status choose_path(struct survey *s)
{
    char folder[FILE_PATH_MAX], shipped[FILE_PATH_MAX];
    if (s->options->output)
        return snprintf(s->path, sizeof s->path, "%s", s->options->output) < (int)sizeof s->path
                   ? STATUS_OK
                   : fail(STATUS_LIMIT, "-o: a path longer than %zu bytes", sizeof s->path - 1);
    if (!s->options->force && statistics_are_shipped(s->digest, shipped))
        return fail(STATUS_USAGE,
                    "the statistics of these weights%s come with the program, in %s: nothing is to be measured; for other weights give "
                    "-s model.path=FILE; --force measures even so, and from then on that counts",
                    strcmp(s->config.model.path, "auto") == 0 ? ", those of `oneiros model fetch`," : "", shipped);
    TRY(statistics_cache_path(s->digest, s->path));
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(s->path, '/') - s->path), s->path);
    return file_make_folder(folder);
}

static enum status prepare(struct survey *s)
{
    const size_t count = statistics_count(s->network), weights = parameters_count(s->network);
    char model[FILE_PATH_MAX];
    TRY(model_path(s->config.model.path, model));
    TRY(ALLOCATE(s->weights, weights, "for %zu weights", weights));
    TRY(model_path_fail(weights_read(model, s->network, s->weights, NULL), s->config.model.path));
    TRY(statistics_digest(s->weights, s->digest));
    TRY(choose_path(s));
    if (!s->options->force && access(s->path, F_OK) == 0)
        return fail(STATUS_USAGE, "%s is there already; --force replaces it", s->path);
    TRY(file_may_create(s->path));
    TRY(weight_cache_create(&s->cache, s->network, s->weights));
    TRY(ALLOCATE(s->sums, count, "for sums of channels"));
    TRY(ALLOCATE(s->squares, count, "for sums of channels"));
    TRY(ALLOCATE(s->means, count, "for sums of channels"));
    return ALLOCATE(s->spreads, count, "for sums of channels");
}

enum status model_statistics(const struct statistics_options *options, int *failed)
{
    struct survey s = {.options = options, .config = *options->config, .network = network_inception_v3()};
    enum status rc;
    s.config.input.resize = options->side;
    TRY_OUT(prepare(&s));
    TRY_OUT(find_pictures(&s));
    TRY_OUT(measure_all(&s));
    TRY_OUT(write_file(&s));
    if (s.measured < WANTED)
        log_warning("%d pictures are few: what channels usually answer is seen over %d or more", s.measured, WANTED);
    log_info("statistics of channels over %d picture%s are in %s", s.measured, PLURAL(s.measured), s.path);
out:
    *failed = s.failed;
    for (int i = 0; i < s.count; i++)
        free(s.pictures[i].source);
    free(s.pictures);
    weight_cache_destroy(&s.cache);
    free(s.weights);
    free(s.sums);
    free(s.squares);
    free(s.means);
    free(s.spreads);
    return rc;
}
