// SPDX-License-Identifier: MIT
// mpirun -n N capacity [--seconds S] [--images M] [--steps K] [--maps M] [--pixels P] [-o FOLDER] [KEY=VALUE]...
// How many workers rank 0 can keep busy. Rank 0 is the real one: it takes in a list of M pictures (the same one of P x P pixels each time),
// hands them out over MPI and writes every row. The other ranks say and send what workers do (io=workers, the default here, or
// io=coordinator with one rank a picture), but instead of dreaming they sleep for S seconds a picture, and so need hardly any processor:
// some hundred of them fit on a machine, and with short pictures they ask as often as thousands would with long ones.
//
// Prints a line: pictures a second, and how many there would be if nobody ever waited; how long a worker waits for its next picture;
// how much of a core rank 0 needs, in all and a picture. 1 / (that time a picture) is what rank 0 could do with a core of its own, also
// where this machine's sleepers take so much of the processors that they can't ask that often.
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/config/config.h"
#include "common/picture/tiling.h"
#include "common/system/clock.h"
#include "common/system/file.h"
#include "common/system/log.h"
#include "coordinator/coordinator.h"
#include "coordinator/delegation.h"
#include "job/tile_rules.h"
#include "media/picture/codec.h"
#include "worker/look/cam.h"
#include "worker/network/objective.h"

static struct {
    struct config config;
    struct objective targets;
    MPI_Comm comm;
    int rank, size;
    double seconds;
    long images;
    int steps, maps, pixels;
    const char *folder;
    double *waits; // [wait_count] seconds that a worker had nothing to do, each time
    long wait_count;
    double work_seconds;
} bench = {.seconds = 0.1, .images = 1000, .steps = 20, .maps = 10, .pixels = 80, .folder = "capacity"};

static void need(enum status rc)
{
    if (rc == STATUS_OK)
        return;
    fprintf(stderr, "capacity: rank %d: %s\n", bench.rank, status_message());
    MPI_Abort(MPI_COMM_WORLD, 1);
    exit(1);
}

static void pretend(double seconds)
{
    const struct timespec pause = {(time_t)seconds, (long)(fmod(seconds, 1) * 1e9)};
    nanosleep(&pause, NULL);
    bench.work_seconds += seconds;
}

static void waited(double since)
{
    bench.waits = realloc(bench.waits, (size_t)(bench.wait_count + 1) * sizeof *bench.waits);
    if (bench.waits)
        bench.waits[bench.wait_count++] = now() - since;
}

// What a worker that reads and writes itself sends of a picture: as many rows as one that dreamed has.
static void pack(int64_t image, void **bytes, size_t *size)
{
    static float values[14 * 14], importance[4096];
    struct task *task = task_create();
    if (!task)
        need(fail(STATUS_LIMIT, "no memory"));
    struct image_rows *rows = &task->results.rows;
    image_row_unknown(&task->record);
    task->record.id = image;
    task->record.status = IMAGE_DONE;
    task->record.rank = bench.rank;
    task->record.team = task->record.tiles = 1;
    task->record.width = task->record.height = bench.pixels;
    snprintf(task->record.source, sizeof task->record.source, "picture.png");
    snprintf(task->record.output, sizeof task->record.output, "picture/dream.png");
    for (int i = 0; i < bench.steps; i++)
        need(image_rows_add_step(
            rows, &(struct step_row){.image = image, .step = i, .width = bench.pixels, .height = bench.pixels, .frame = -1}));
    for (int i = 0; i < bench.maps; i++) {
        const struct cam_row map = {
            .image = image,
            .frame = i,
            .step = i,
            .grid = {.width = 14, .height = 14, .stride = 16, .octave_width = bench.pixels, .octave_height = bench.pixels}};
        need(image_rows_add_map(rows, &map, values));
    }
    for (int t = 0; t < bench.targets.count; t++)
        task->results.importance[t] = importance;
    need(rows_pack(task, bench.targets.channels, bench.targets.count, bytes, size));
    for (int t = 0; t < bench.targets.count; t++)
        task->results.importance[t] = NULL;
    task_destroy(&task);
}

// delegate.c's side of the conversation, and worker.c's where a job of rank 0's comes.
static bool next_job(struct job *job)
{
    static int64_t held[DELEGATED_MAX];
    static int count;
    const double free_since = now();
    for (;;) {
        bool there = false;
        MPI_Status status;
        need(mpi_probe(bench.comm, COORDINATOR_RANK, MESSAGE_READ, &there, &status));
        if (there) {
            struct intake_entry order;
            need(delegated_receive(&order, bench.comm));
            held[count++] = order.id;
            continue;
        }
        if (count > 0)
            break;
        need(mpi_probe(bench.comm, COORDINATOR_RANK, MESSAGE_JOB, &there, &status));
        if (there) {
            need(mpi_receive(job, sizeof *job, COORDINATOR_RANK, MESSAGE_JOB, bench.comm));
            return true;
        }
        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
    }
    waited(free_since);
    const int64_t image = held[0];
    memmove(held, held + 1, (size_t)--count * sizeof *held);
    void *bytes;
    size_t size;
    pretend(bench.seconds);
    pack(image, &bytes, &size);
    need(mpi_send(bytes, size, COORDINATOR_RANK, MESSAGE_ROWS, bench.comm));
    free(bytes);
    return false;
}

// worker.c's: the only member of its team.
static void dream(const struct job *job)
{
    const size_t plane = (size_t)job->width * (size_t)job->height;
    float *rows = malloc(3 * plane * sizeof *rows);
    int32_t team[1];
    struct report report = {.kind = REPORT_READY};
    if (!rows || job->members != 1)
        need(fail(STATUS_INTERNAL, "no memory, or a team of more than one"));
    need(mpi_receive(team, sizeof team, COORDINATOR_RANK, MESSAGE_JOB_RANKS, bench.comm));
    need(mpi_send(&report, sizeof report, COORDINATOR_RANK, MESSAGE_REPORT, bench.comm));
    need(mpi_receive_rows(rows, plane, plane, COORDINATOR_RANK, MESSAGE_JOB_PIXELS, bench.comm));
    for (int i = 0; i < bench.steps; i++) {
        pretend(bench.seconds / bench.steps);
        report = (struct report){.kind = REPORT_STEP,
                                 .step = {.image = job->image, .step = i, .width = job->width, .height = job->height, .frame = -1}};
        need(mpi_send(&report, sizeof report, COORDINATOR_RANK, MESSAGE_REPORT, bench.comm));
    }
    report = (struct report){.kind = REPORT_RESULT, .result = {.image = job->image, .status = IMAGE_DONE, .has_pixels = true}};
    report.result.before = report.result.after = picture_metrics_unknown();
    need(mpi_send(&report, sizeof report, COORDINATOR_RANK, MESSAGE_REPORT, bench.comm));
    need(mpi_send_rows(rows, plane, plane, COORDINATOR_RANK, MESSAGE_REPORT_PIXELS, bench.comm));
    free(rows);
}

static void work(void)
{
    const struct timing timing = {0};
    for (;;) {
        struct job job;
        const double since = now();
        if (!next_job(&job))
            continue;
        if (job.kind == JOB_EXIT)
            break;
        waited(since);
        dream(&job);
    }
    need(mpi_send(&timing, sizeof timing, COORDINATOR_RANK, MESSAGE_TIMING, bench.comm));
}

static double count_pixels(const struct config *config, enum job_kind job, int width, int height)
{
    (void)config, (void)job;
    return (double)width * height;
}

static void write_inputs(char list[FILE_PATH_MAX + 1])
{
    char path[FILE_PATH_MAX];
    struct image image;
    struct file_writer writer;
    need(image_create(&image, bench.pixels, bench.pixels));
    for (int i = 0; i < 3 * bench.pixels * bench.pixels; i++)
        image.rgb[i] = (float)(i % 97) / 48.5f - 1;
    need(file_make_folder(bench.folder));
    need(file_join(path, bench.folder, "picture.png"));
    need(codec_encode(path, IMAGE_FORMAT_PNG, &image));
    image_destroy(&image);
    need(file_join(path, bench.folder, "list.txt"));
    snprintf(list, FILE_PATH_MAX + 1, "@%s", path);
    need(file_create(&writer, path));
    for (long i = 0; i < bench.images; i++)
        fprintf(writer.stream, "%s/picture.png\n", bench.folder);
    need(file_commit(&writer));
}

static double processor_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

struct cost {
    double wall, processor;
};

static struct cost coordinate(void)
{
    char list[FILE_PATH_MAX + 1], output[FILE_PATH_MAX], *inputs[] = {list};
    const char **hosts = calloc((size_t)bench.size, sizeof *hosts);
    int *cores = calloc((size_t)bench.size, sizeof *cores); // not known
    struct tile_plan tiles;
    struct coordinator_outcome outcome;
    write_inputs(list);
    need(file_join(output, bench.folder, "out"));
    need(file_make_folder(output));
    need(tile_rules_resolve(&bench.config, (uint64_t)4 << 30, &tiles));
    for (int i = 0; i < bench.size; i++)
        hosts[i] = "here";
    const struct schedule schedule = {.config = &bench.config,
                                      .tiles = tiles.rules,
                                      .min_side = tiles.min_side,
                                      .feature_bytes = tiles.feature_bytes,
                                      .window_bytes = tiles.window_bytes,
                                      .memory_limit = (uint64_t)4 << 30,
                                      .workers = bench.size - 1};
    const struct coordinator_options options = {.comm = bench.comm,
                                                .first_worker = 1,
                                                .setup.work = count_pixels,
                                                .setup.schedule = &schedule,
                                                .setup.config = &bench.config,
                                                .setup.output = output,
                                                .inputs = inputs,
                                                .input_count = 1,
                                                .delegates = bench.config.io == IO_WORKERS,
                                                .setup.header = {.kind = "dream",
                                                                 .config = &bench.config,
                                                                 .channels = bench.targets.channels,
                                                                 .cam_layer = bench.config.targets.items[cam_target(&bench.targets)].layer,
                                                                 .importance = bench.config.importance.method,
                                                                 .weights_md5 = "",
                                                                 .weights_source = "",
                                                                 .plan = "",
                                                                 .ranks = bench.size,
                                                                 .workers = schedule.workers,
                                                                 .tiles = &tiles.rules,
                                                                 .hosts = hosts,
                                                                 .cores = cores,
                                                                 .node_cores = cores}};
    const double start = now(), processor = processor_seconds();
    need(coordinator_run(&options, &outcome));
    const struct cost cost = {.wall = now() - start, .processor = processor_seconds() - processor};
    if (outcome.done != bench.images || outcome.failed || outcome.rows_lost)
        need(fail(STATUS_INTERNAL, "%ld of %ld pictures done", (long)outcome.done, bench.images));
    free(hosts);
    free(cores);
    return cost;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Everyone's waits, sorted, at rank 0; each worker's first one is the start of the run, and left out.
static void gather_waits(void)
{
    const int mine = bench.wait_count > 1 ? (int)bench.wait_count - 1 : 0;
    int *counts = calloc((size_t)bench.size, sizeof *counts), *starts = calloc((size_t)bench.size, sizeof *starts);
    long total = 0;
    MPI_Gather(&mine, 1, MPI_INT, counts, 1, MPI_INT, 0, bench.comm);
    for (int i = 0; i < bench.size && bench.rank == 0; i++) {
        starts[i] = (int)total;
        total += counts[i];
    }
    double *all = calloc((size_t)total + 1, sizeof *all);
    MPI_Gatherv(bench.waits ? bench.waits + 1 : NULL, mine, MPI_DOUBLE, all, counts, starts, MPI_DOUBLE, 0, bench.comm);
    free(bench.waits);
    free(counts);
    free(starts);
    qsort(all, (size_t)total, sizeof *all, by_size);
    bench.waits = all;
    bench.wait_count = total;
}

static double wait_at(double part)
{
    return bench.wait_count ? 1e3 * bench.waits[(long)(part * (double)(bench.wait_count - 1))] : 0;
}

static void print(const struct cost *cost, double work)
{
    const int workers = bench.size - 1;
    const double images = (double)bench.images;
    printf("%8s %12s %9s %9s %9s %7s %9s %9s %9s %9s %12s\n", "workers", "s a picture", "pictures", "a second", "no waits", "busy",
           "p50 ms", "p99 ms", "max ms", "rank 0", "us a picture");
    printf("%8d %12g %9ld %9.1f %9.1f %6.1f%% %9.2f %9.2f %9.2f %8.1f%% %12.1f\n", workers, bench.seconds, bench.images,
           images / cost->wall, workers / bench.seconds, 100 * work / (workers * cost->wall), wait_at(0.5), wait_at(0.99), wait_at(1),
           100 * cost->processor / cost->wall, 1e6 * cost->processor / images);
}

static void parse(int argc, char **argv)
{
    static const struct option options[] = {{"seconds", required_argument, NULL, 's'}, {"images", required_argument, NULL, 'i'},
                                            {"steps", required_argument, NULL, 'k'},   {"maps", required_argument, NULL, 'm'},
                                            {"pixels", required_argument, NULL, 'p'},  {0}};
    config_init(&bench.config);
    need(config_set(&bench.config, "io=workers"));
    need(config_set(&bench.config, "team.size=1"));
    need(config_set(&bench.config, "frames.cam=false"));
    need(config_set(&bench.config, "frames.dream=false"));
    for (int option; (option = getopt_long(argc, argv, "o:", options, NULL)) != -1;)
        switch (option) {
        case 's':
            bench.seconds = atof(optarg);
            break;
        case 'i':
            bench.images = atol(optarg);
            break;
        case 'k':
            bench.steps = atoi(optarg);
            break;
        case 'm':
            bench.maps = atoi(optarg);
            break;
        case 'p':
            bench.pixels = atoi(optarg);
            break;
        case 'o':
            bench.folder = optarg;
            break;
        default:
            exit(2);
        }
    for (int i = optind; i < argc; i++)
        need(config_set(&bench.config, argv[i]));
    need(objective_find_targets(&bench.targets, &bench.config));
}

int main(int argc, char **argv)
{
    struct cost cost = {0};
    double work_seconds = 0;
    MPI_Init(&argc, &argv);
    need(mpi_errors_return());
    MPI_Comm_dup(MPI_COMM_WORLD, &bench.comm);
    MPI_Comm_rank(bench.comm, &bench.rank);
    MPI_Comm_size(bench.comm, &bench.size);
    parse(argc, argv);
    log_set_level(LOG_WARNING);
    if (bench.size < 2)
        need(fail(STATUS_USAGE, "two ranks at least"));
    if (bench.rank == COORDINATOR_RANK)
        cost = coordinate();
    else
        work();
    gather_waits();
    MPI_Reduce(&bench.work_seconds, &work_seconds, 1, MPI_DOUBLE, MPI_SUM, 0, bench.comm);
    if (bench.rank == COORDINATOR_RANK)
        print(&cost, work_seconds);
    free(bench.waits);
    MPI_Comm_free(&bench.comm);
    MPI_Finalize();
    return 0;
}
