// SPDX-License-Identifier: MIT
// model [--workers N]... [--mix COUNTxWIDTHxHEIGHT[+...]]... [--machine KEY=VALUE]... [KEY=VALUE]...
// What a run would take on N workers: the real schedule (which picture goes to how many ranks, in which order) played through with
// times of a machine that is described by a few measured numbers. A line for each mix of pictures and number of workers: seconds, speed-up
// and strong efficiency against the first number of workers, the largest team, and how busy rank 0 is.
//
// A step of an octave takes a team
//     most tiles of a member x seconds of the window      (tile=SIDE:SECONDS, measured for some sides; seconds a pixel in between)
//   + octave's pixels / members x `pixel`                 (shaping, metrics, maps)
//   + messages x `latency` + bytes / `bandwidth`          (halos in, gradients out: what the worst member needs of others)
//   + `sums` sums over the team, each 2 log2(members) x `latency`
// and a picture besides: two looks (half a window's time each), `picture` seconds, `image` seconds for each of its pixels / members; a
// worker's first picture, `start` seconds.
// Rank 0 spends `rank0` seconds on each picture and `rank0_pixel` on each of its pixels (0 where workers read and write), one after
// another; a worker gets its next picture when rank 0 has come to it.
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"
#include "common/picture/geometry.h"
#include "common/picture/tiling.h"
#include "coordinator/schedule/forecast.h"
#include "job/tile_rules.h"
#include "kernels/network/network.h"

enum { POINTS_MAX = 16, COUNTS_MAX = 32, MIXES_MAX = 8, PARTS_MAX = 8 };

struct point {
    double pixels, seconds; // of a window
};

static struct {
    struct point points[POINTS_MAX]; // by pixels
    int count;
    double pixel, image, picture, start, latency, bandwidth, sums, rank0, rank0_pixel;
} machine = {.latency = 2e-6, .bandwidth = 10e9, .sums = 3, .rank0 = 100e-6};

struct mix {
    const char *name;
    struct schedule_image *images; // [count], largest cost first
    int count;
};

static struct config config;
static struct schedule schedule;

static void need(enum status rc)
{
    if (rc == STATUS_OK)
        return;
    fprintf(stderr, "model: %s\n", status_message());
    exit(1);
}

static void *memory(size_t count, size_t size)
{
    void *bytes = calloc(count + 1, size);
    if (!bytes)
        need(fail(STATUS_LIMIT, "no memory"));
    return bytes;
}

// Seconds of a guided pass forward and backward.
static double window_seconds(double pixels)
{
    int next = 0;
    while (next < machine.count && machine.points[next].pixels < pixels)
        next++;
    const struct point *above = &machine.points[next < machine.count ? next : machine.count - 1],
                       *below = &machine.points[next ? next - 1 : 0];
    const double low = below->seconds / below->pixels, high = above->seconds / above->pixels;
    const double part = above == below ? 0 : log(pixels / below->pixels) / log(above->pixels / below->pixels);
    return pixels * (low + part * (high - low));
}

// What the worst member's windows hold of other members' rows.
static double foreign_pixels(const struct tiling *tiling, int members, int *messages)
{
    double most = 0;
    *messages = 0;
    for (int m = 0; m < members; m++) {
        const struct span tiles = tiling_share(tiling_count(tiling), members, m);
        const struct span own = tiling_rows(tiling->down.length, members, m);
        double pixels = 0;
        int first = tiling->down.length, last = 0;
        for (int t = tiles.begin; t < tiles.end; t++) {
            const struct rectangle window = tiling_tile(tiling, t).window;
            const int begin = window.y > own.begin ? window.y : own.begin;
            const int end = window.y + window.height < own.end ? window.y + window.height : own.end;
            pixels += (double)window.width * (window.height - (end > begin ? end - begin : 0));
            first = window.y < first ? window.y : first;
            last = window.y + window.height > last ? window.y + window.height : last;
        }
        const int rows = (tiling->down.length + members - 1) / members, partners = last > first ? (last - first) / rows + 1 : 0;
        most = pixels > most ? pixels : most;
        *messages = partners > *messages ? partners : *messages;
    }
    return most;
}

static double step_seconds(const struct tiling *tiling, int members)
{
    const double window = (double)tiling->across.window * tiling->down.window;
    const double octave = (double)tiling->across.length * tiling->down.length;
    const int tiles = tiling_count(tiling);
    double seconds = (tiles + members - 1) / members * window_seconds(window) + octave / members * machine.pixel;
    if (members > 1) {
        int messages;
        const double bytes = 2 * 12 * foreign_pixels(tiling, members, &messages); // three floats in, three out
        seconds += 2 * messages * machine.latency + bytes / machine.bandwidth + machine.sums * 2 * log2(members) * machine.latency;
    }
    return seconds;
}

static double image_seconds(struct schedule_image image, int members)
{
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    const double pixels = (double)image.width * image.height;
    const int count = geometry_octaves(image.width, image.height, &config.octaves, octaves);
    double seconds = machine.picture + pixels / members * machine.image;
    for (int k = 0; k < count; k++) {
        struct tiling tiling;
        need(tiling_create(&tiling, octaves[k].width, octaves[k].height, &schedule.tiles));
        seconds += config.steps * step_seconds(&tiling, members);
        if (k == count - 1)
            seconds += (tiling_count(&tiling) + members - 1) / members * window_seconds((double)tiling.across.window * tiling.down.window);
    }
    return seconds;
}

struct outcome {
    double seconds, rank0; // rank0: busy
    int team;              // the largest
};

// Workers by when they become free; the first `team` of them take the picture when rank 0 has handed it out.
static struct outcome play(const struct mix *mix, const int *teams)
{
    const int workers = schedule.workers;
    double *free_at = memory((size_t)workers, sizeof *free_at);
    struct outcome outcome = {0};
    for (int w = 0; w < workers; w++)
        free_at[w] = machine.start; // as good as before the first picture
    double rank0 = 0;               // when it is free
    for (int i = 0; i < mix->count; i++) {
        const int team = teams[i];
        if (team == 0)
            need(fail(STATUS_LIMIT, "a picture of %d x %d fits no team", mix->images[i].width, mix->images[i].height));
        const double service = machine.rank0 + machine.rank0_pixel * mix->images[i].width * mix->images[i].height;
        rank0 = fmax(rank0, free_at[team - 1]) + service;
        outcome.rank0 += service;
        const double done = rank0 + image_seconds(mix->images[i], team);
        forecast_occupy(free_at, workers, team, done);
        outcome.team = team > outcome.team ? team : outcome.team;
        outcome.seconds = done > outcome.seconds ? done : outcome.seconds;
    }
    free(free_at);
    return outcome;
}

static int by_cost(const void *a, const void *b)
{
    double x, y;
    need(schedule_cost(&schedule, *(const struct schedule_image *)a, 1, &x));
    need(schedule_cost(&schedule, *(const struct schedule_image *)b, 1, &y));
    return (x < y) - (x > y);
}

static struct mix parse_mix(const char *text)
{
    struct mix mix = {.name = text};
    struct schedule_image *images = NULL;
    for (const char *at = text; *at;) {
        int count, width, height, used = 0;
        if (sscanf(at, "%dx%dx%d%n", &count, &width, &height, &used) != 3 || count < 1)
            need(fail(STATUS_USAGE, "--mix %s: not COUNTxWIDTHxHEIGHT[+...]", text));
        images = realloc(images, (size_t)(mix.count + count) * sizeof *images);
        for (int i = 0; images && i < count; i++)
            images[mix.count++] = (struct schedule_image){width, height, false};
        at += used + (at[used] == '+');
    }
    mix.images = images;
    return mix;
}

static int by_pixels(const void *a, const void *b)
{
    const struct point *x = a, *y = b;
    return (x->pixels > y->pixels) - (x->pixels < y->pixels);
}

static void describe(const char *text)
{
    static const struct {
        const char *name;
        double *value;
    } names[] = {{"pixel", &machine.pixel}, {"image", &machine.image},     {"picture", &machine.picture},
                 {"start", &machine.start}, {"latency", &machine.latency}, {"bandwidth", &machine.bandwidth},
                 {"sums", &machine.sums},   {"rank0", &machine.rank0},     {"rank0_pixel", &machine.rank0_pixel}};
    double side, seconds;
    if (sscanf(text, "tile=%lf:%lf", &side, &seconds) == 2 && machine.count < POINTS_MAX) {
        machine.points[machine.count++] = (struct point){side * side, seconds};
        qsort(machine.points, (size_t)machine.count, sizeof *machine.points, by_pixels);
        return;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const size_t length = strlen(names[i].name);
        if (strncmp(text, names[i].name, length) == 0 && text[length] == '=') {
            *names[i].value = atof(text + length + 1);
            return;
        }
    }
    need(fail(STATUS_USAGE, "--machine %s: not known", text));
}

static void predict(struct mix *mix, const int *workers, int count)
{
    int *teams = memory((size_t)mix->count, sizeof *teams);
    double base = 0;
    for (int i = 0; i < count; i++) {
        struct forecast forecast;
        schedule.workers = workers[i];
        qsort(mix->images, (size_t)mix->count, sizeof *mix->images, by_cost);
        need(forecast_run(&schedule, mix->images, mix->count, teams, &forecast));
        const struct outcome outcome = play(mix, teams);
        if (i == 0)
            base = outcome.seconds * workers[0];
        printf("| %s | %d | %.4g | %.1f | %.1f%% | %d | %.1f%% |\n", mix->name, workers[i], outcome.seconds, base / outcome.seconds,
               100 * base / (outcome.seconds * workers[i]), outcome.team, 100 * outcome.rank0 / outcome.seconds);
        fflush(stdout);
    }
    free(teams);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"workers", required_argument, NULL, 'w'}, {"mix", required_argument, NULL, 'x'}, {"machine", required_argument, NULL, 'm'}, {0}};
    int workers[COUNTS_MAX], counts = 0, mixes = 0;
    struct mix mix[MIXES_MAX];
    struct tile_plan tiles;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        if (option == 'w' && counts < COUNTS_MAX && atoi(optarg) > 0)
            workers[counts++] = atoi(optarg);
        else if (option == 'x' && mixes < MIXES_MAX)
            mix[mixes++] = parse_mix(optarg);
        else if (option == 'm')
            describe(optarg);
        else
            return 2;
    config_init(&config);
    for (int i = optind; i < argc; i++)
        need(config_set(&config, argv[i]));
    if (machine.count == 0 || counts == 0 || mixes == 0)
        need(fail(STATUS_USAGE, "--workers, --mix and --machine tile=SIDE:SECONDS are needed"));
    const uint64_t limit = config.memory.limit ? config.memory.limit : (uint64_t)64 << 30; // of a worker
    need(tile_rules_resolve(&config, limit, &tiles));
    schedule = (struct schedule){.config = &config,
                                 .tiles = tiles.rules,
                                 .min_side = tiles.min_side,
                                 .feature_bytes = tiles.feature_bytes,
                                 .window_bytes = tiles.window_bytes,
                                 .memory_limit = limit,
                                 .workers = 1};
    puts("| pictures | workers | seconds | speed-up | efficiency | largest team | rank 0 busy |\n|---|---|---|---|---|---|---|");
    for (int i = 0; i < mixes; i++) {
        predict(&mix[i], workers, counts);
        free(mix[i].images);
    }
    return 0;
}
