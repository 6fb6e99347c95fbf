// SPDX-License-Identifier: MIT
#include "job/job.h"

#include <omp.h>

#include "common/picture/geometry.h"
#include "common/system/clock.h"
#include "common/system/stop_request.h"
#include "common/system/text.h"
#include "coordinator/coordinator.h"
#include "job/start.h"
#include "worker/look/cam.h"
#include "worker/look/explain.h"
#include "worker/worker.h"

int exit_code(enum status rc)
{
    return rc == STATUS_OK ? EXIT_ALL_DONE : rc == STATUS_INTERNAL ? EXIT_INTERNAL : rc == STATUS_STOPPED ? EXIT_STOPPED : EXIT_USAGE;
}

static double work_of(const struct config *config, enum job_kind job, int width, int height)
{
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    struct objective objective;
    if (job == JOB_EXPLAIN && objective_find_targets(&objective, config) == STATUS_OK)
        return explain_passes(&objective, schedule_baselines(config)) * width * height;
    if (job != JOB_DREAM)
        return (double)width * height;
    const int count = geometry_octaves(width, height, &config->octaves, octaves);
    return config->steps * geometry_pixels(octaves, count);
}

// The worker of this process, and where it hears of rank 0: MPI_COMM_NULL where that is this process too.
struct own_worker {
    struct worker *worker;
    MPI_Comm comm;
};

static enum status serve(void *context, const struct lead *lead)
{
    const struct own_worker *own = context;
    return worker_serve(own->worker, own->comm, lead);
}

static void find_fields(const struct objective *targets, struct run_field *fields)
{
    for (int t = 0; t < targets->count; t++)
        fields[t] = (struct run_field){targets->fields[t].stride, targets->fields[t].centre, targets->fields[t].size};
}

// As coordinator of all, or, in a worker that reads and writes pictures by itself, of that one. `worker`: of this process, if it has both.
static enum status coordinate(struct run *run, struct worker *worker, struct coordinator_outcome *outcome)
{
    const struct weights_info *weights = &run->weights.info;
    const struct config *config = &run->options->config;
    const bool delegate = run->launch.rank != COORDINATOR_RANK, alone = run->launch.size == 1;
    const struct schedule schedule = {.config = config,
                                      .tiles = run->tiles.rules,
                                      .min_side = run->tiles.min_side,
                                      .feature_bytes = run->tiles.feature_bytes,
                                      .window_bytes = run->tiles.window_bytes,
                                      .memory_limit = run->memory_limit,
                                      .mask_bytes = mask_bytes(&run->mask),
                                      .workers = worker ? 1 : run->launch.size - 1};
    struct own_worker own = {worker, alone ? MPI_COMM_NULL : run->launch.comm};
    struct objective targets;
    char class[WEIGHTS_CLASS_MAX];
    weights_class_text(weights, config, class);
    TRY(objective_find_targets(&targets, config));
    struct run_field fields[CONFIG_TARGETS_MAX];
    find_fields(&targets, fields);
    struct coordinator_options options = {
        .comm = run->launch.comm,
        .first_worker = alone ? 0 : 1,
        .setup.use = run->options->use,
        .setup.work = work_of,
        .setup.schedule = &schedule,
        .setup.config = config,
        .setup.output = run->options->output,
        .setup.channels = run->options->channels,
        .inputs = run->options->inputs,
        .input_count = run->options->input_count,
        .lists = run->prepared.lists,
        .lock = &run->prepared.lock,
        .resume = run->prepared.resume,
        .delegates = run->prepared.known.delegates,
        .setup.header = {.kind = config_use_name(run->options->use),
                         .guide_sha256 = run->prepared.guide_sha256,
                         .statistics_sha256 = run->statistics_info.sha256,
                         .mask_sha256 = run->prepared.mask_sha256,
                         .config = delegate ? config : &run->prepared.recorded,
                         .channels = targets.channels,
                         .fields = fields,
                         .cam_layer = config->targets.items[cam_target(&targets)].layer,
                         .importance = run->options->use == CONFIG_EXPLAIN ? IMPORTANCE_GRADIENT_ACTIVATION : config->importance.method,
                         .weights_md5 = weights->md5,
                         .weights_source = weights->source,
                         .class_name = class,
                         .plan = run->plan_text,
                         .ranks = run->launch.size,
                         .workers = schedule.workers,
                         .tiles = &schedule.tiles,
                         .halo_exact = run->tiles.exact,
                         .hosts = run->host_names,
                         .cores = run->cores,
                         .node_cores = run->node_cores},
    };
    if (worker)
        options.here = (struct coordinator_here){.serve = serve, .worker = &own, .timing = worker_timing(worker)};
    return delegate ? delegate_run(&options) : coordinator_run(&options, outcome);
}

// With a worker in this process, on any rank but the first of several.
static enum status work(struct run *run, struct coordinator_outcome *outcome)
{
    const struct worker_options options = {
        .config = &run->options->config,
        .weights = run->weights.array,
        .randomised = run->randomised.array,
        .classes = run->weights.info.classes,
        .guide = run->guide.rgb ? &run->guide : NULL,
        .ordinary = {run->statistics, run->statistics_info.side},
        .mask = run->mask.values ? &run->mask : NULL,
        .rules = &run->tiles.rules,
        .plan = &run->plan,
        .threads = run->threads,
    };
    struct worker *worker = NULL;
    enum status rc;
    TRY_OUT(worker_create(&worker, &options));
    log_debug("rank %d: %d thread%s, %.1f GiB", run->launch.rank, omp_get_max_threads(), PLURAL(omp_get_max_threads()),
              (double)run->memory_limit / (1 << 30));
    if (run->launch.size == 1 || run->prepared.known.delegates)
        TRY_OUT(coordinate(run, worker, outcome));
    else
        TRY_OUT(worker_serve(worker, run->launch.comm, NULL));
    if (run->launch.size > 1)
        rc = mpi_send(worker_timing(worker), sizeof(struct timing), COORDINATOR_RANK, MESSAGE_TIMING, run->launch.comm);
out:
    worker_destroy(&worker);
    return rc;
}

static int exit_code_for(const struct coordinator_outcome *outcome)
{
    if (outcome->was_stopped)
        return EXIT_STOPPED;
    return outcome->failed > 0 || outcome->rows_lost ? EXIT_SOME_FAILED : EXIT_ALL_DONE;
}

int run_job(struct job_options *options, enum status typed)
{
    const double started = now();
    struct run run = {.launch.comm = MPI_COMM_NULL, .options = options};
    struct coordinator_outcome outcome = {0};
    stop_install(); // a signal may come while we are still starting
    enum status rc = launch_start(&run.launch);
    if (options->max_seconds > 0 && run.launch.rank == COORDINATOR_RANK)
        stop_at(started + options->max_seconds);
    if (rc == STATUS_OK)
        rc = launch_agree(&run.launch, typed);
    if (rc != STATUS_OK)
        goto failed;
    rc = start_run(&run);
    if (rc != STATUS_OK) // every rank knows; one says so
        goto failed;
    if (run.prepared.known.nothing_left)
        goto end;
    rc = run.launch.size > 1 && run.launch.rank == COORDINATOR_RANK ? coordinate(&run, NULL, &outcome) : work(&run, &outcome);
    if (rc != STATUS_OK) {
        preparation_leave(&run.prepared);
        launch_abort(&run.launch, outcome.refused ? EXIT_USAGE : EXIT_INTERNAL);
    }
    rc = watchdog_stop(&run.watchdog);
    if (rc != STATUS_OK)
        goto failed;
    shared_weights_destroy(&run.weights);
    shared_weights_destroy(&run.randomised);
end:
    start_destroy(&run);
    rc = launch_end(&run.launch);
    if (rc == STATUS_OK)
        return exit_code_for(&outcome);
failed:
    preparation_leave(&run.prepared);
    if (run.launch.comm != MPI_COMM_NULL && !run.launch.agreed)
        launch_abort(&run.launch, exit_code(rc)); // the others do not know
    if (run.launch.rank == COORDINATOR_RANK)
        log_error("%s", status_message());
    if (run.launch.agreed && watchdog_stop(&run.watchdog) == STATUS_OK)
        MPI_Finalize();
    return exit_code(rc);
}
