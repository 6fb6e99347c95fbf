// SPDX-License-Identifier: MIT
#include "job/job.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/picture/geometry.h"
#include "common/system/clock.h"
#include "common/system/file.h"
#include "common/system/stop_request.h"
#include "common/system/thread.h"
#include "common/wire/messages.h"
#include "common/wire/watchdog.h"
#include "coordinator/coordinator.h"
#include "coordinator/leader.h"
#include "job/launch.h"
#include "job/planning.h"
#include "job/preparation.h"
#include "job/resources.h"
#include "job/shared_weights.h"
#include "job/tile_rules.h"
#include "worker/look/cam.h"
#include "worker/look/explain.h"
#include "worker/worker.h"

int exit_code(enum status rc)
{
    return rc == STATUS_OK ? EXIT_ALL_DONE : rc == STATUS_INTERNAL ? EXIT_INTERNAL : EXIT_USAGE;
}

// What every rank knows before work starts.
struct run {
    struct launch launch;
    struct watchdog *watchdog;
    struct job_options *options; // each rank's own; rank 0's configuration replaces the others'
    struct shared_weights *weights;
    char *hosts;                  // rank 0: [size][MPI_MAX_PROCESSOR_NAME]
    int node_processors;          // that this node's ranks are bound to, all together
    int *cores, *node_cores;      // rank 0: [size] those that each rank, and the ranks of its node together, are bound to
    int node_ranks, node_workers; // ranks on this node, and those of them that dream
    uint64_t memory_limit;        // of the rank that may use least
    struct tile_plan tiles;       // the same on every rank
    struct plan *plan;            // the same on every rank
    char *plan_text;
    struct image guide;          // of the objective, on every rank; empty if it needs none: rank 0's is taken out of `prepared`
    struct preparation prepared; // rank 0's; of the others only what agree() brings them: tile_size, nothing_left, leaders
};

// Rank 0's status, message and configuration become everyone's.
static enum status agree(struct run *run, enum status rc)
{
    struct {
        int status;
        char message[STATUS_MESSAGE_MAX];
        struct config config;
        int tile_size;
        bool nothing_left, leaders;
    } *word = calloc(1, sizeof *word);
    if (!word)
        return fail(STATUS_LIMIT, "no memory to start");
    word->status = (int)rc;
    memcpy(word->message, status_message(), sizeof word->message);
    word->config = run->options->config;
    word->tile_size = run->prepared.tile_size;
    word->nothing_left = run->prepared.nothing_left;
    word->leaders = run->prepared.leaders;
    rc = mpi_check(MPI_Bcast(word, sizeof *word, MPI_BYTE, COORDINATOR_RANK, run->launch.comm), "broadcast");
    if (rc == STATUS_OK && word->status != STATUS_OK)
        rc = fail((enum status)word->status, "%s", word->message);
    run->options->config = word->config;
    run->prepared.tile_size = word->tile_size;
    run->prepared.nothing_left = word->nothing_left;
    run->prepared.leaders = word->leaders;
    free(word);
    return rc;
}

// What each rank may compute on, for the run file: whoever reads its times must know whether ranks shared cores.
static enum status gather_cores(struct run *run, const cpu_set_t *bound)
{
    const int own = CPU_COUNT(bound);
    enum status rc = STATUS_OK;
    if (run->launch.rank == COORDINATOR_RANK) {
        run->cores = calloc((size_t)run->launch.size, sizeof *run->cores);
        run->node_cores = calloc((size_t)run->launch.size, sizeof *run->node_cores);
        if (!run->cores || !run->node_cores)
            return fail(STATUS_LIMIT, "no memory for the cores of the ranks");
    }
    TRY(mpi_check(MPI_Gather(&own, 1, MPI_INT, run->cores, 1, MPI_INT, COORDINATOR_RANK, run->launch.comm), "gather"));
    rc =
        mpi_check(MPI_Gather(&run->node_processors, 1, MPI_INT, run->node_cores, 1, MPI_INT, COORDINATOR_RANK, run->launch.comm), "gather");
    return rc;
}

static enum status look_around(struct run *run)
{
    char host[MPI_MAX_PROCESSOR_NAME] = "";
    int length = 0, first = run->launch.rank; // of the node
    MPI_Comm node;
    cpu_set_t bound, shared; // shared: by the node's ranks
    CPU_ZERO(&bound);
    sched_getaffinity(0, sizeof bound, &bound);
    shared = bound;
    TRY(mpi_check(MPI_Get_processor_name(host, &length), "processor name"));
    if (run->launch.rank == COORDINATOR_RANK) {
        run->hosts = calloc((size_t)run->launch.size, sizeof host);
        if (!run->hosts)
            return fail(STATUS_LIMIT, "no memory for the names of the hosts");
    }
    TRY(mpi_check(MPI_Gather(host, sizeof host, MPI_CHAR, run->hosts, sizeof host, MPI_CHAR, COORDINATOR_RANK, run->launch.comm),
                  "gather"));
    TRY(mpi_check(MPI_Comm_split_type(run->launch.comm, MPI_COMM_TYPE_SHARED, run->launch.rank, MPI_INFO_NULL, &node), "split by node"));
    TRY(mpi_check(MPI_Comm_size(node, &run->node_ranks), "size"));
    TRY(mpi_check(MPI_Bcast(&first, 1, MPI_INT, 0, node), "broadcast"));
    TRY(mpi_check(MPI_Allreduce(MPI_IN_PLACE, &shared, sizeof shared, MPI_BYTE, MPI_BOR, node), "reduce"));
    run->node_processors = CPU_COUNT(&shared);
    TRY(gather_cores(run, &bound));
    run->node_workers = run->node_ranks - (first == COORDINATOR_RANK && run->launch.size > 1);
    return mpi_check(MPI_Comm_free(&node), "free");
}

// Tiles are the same on every rank, and for any number of ranks as long as memory suffices for the usual size.
static enum status choose_tiles(struct run *run)
{
    struct config config = run->options->config;
    if (config.tile.size == 0)
        config.tile.size = run->prepared.tile_size;
    run->memory_limit = resources_memory(config.memory.limit, run->node_ranks);
    TRY(mpi_check(MPI_Allreduce(MPI_IN_PLACE, &run->memory_limit, 1, MPI_UINT64_T, MPI_MIN, run->launch.comm), "reduce"));
    TRY(tile_rules_resolve(&config, run->memory_limit, &run->tiles));
    if (run->tiles.limited && run->launch.rank == COORDINATOR_RANK)
        log_warning(
            "tiles are %d pixels long at most, as memory allows; dreams of larger pictures depend on that: set tile.size to repeat them",
            run->tiles.rules.size);
    return STATUS_OK;
}

// The guide's pixels, which rank 0 has loaded, to every rank.
static enum status share_guide(struct run *run)
{
    run->guide = run->prepared.guide;
    run->prepared.guide = (struct image){0};
    int size[2] = {run->guide.width, run->guide.height};
    TRY(mpi_check(MPI_Bcast(size, 2, MPI_INT, COORDINATOR_RANK, run->launch.comm), "broadcast"));
    if (run->launch.rank != COORDINATOR_RANK)
        TRY(image_create(&run->guide, size[0], size[1]));
    return mpi_check(MPI_Bcast(run->guide.rgb, 3 * size[0] * size[1], MPI_FLOAT, COORDINATOR_RANK, run->launch.comm), "broadcast");
}

// What only the weights show: every rank finds the same.
static enum status check_objective(struct run *run)
{
    struct objective objective;
    const enum status rc =
        objective_init(&objective, &run->options->config, shared_weights_array(run->weights), shared_weights_info(run->weights)->classes);
    objective_destroy(&objective);
    return rc;
}

static int worker_threads(const struct run *run)
{
    return resources_threads(run->options->config.threads, run->node_workers, run->node_processors);
}

// `text`: of the file that config->plan names, on rank 0; NULL where it names none. The planner has it on one rank of its own.
static enum status make_plan(struct run *run, const char *text)
{
    const int planner = run->launch.size > 1 ? 1 : COORDINATOR_RANK;
    char *copy = NULL;
    int length = text ? (int)strlen(text) : 0;
    enum status rc;
    run->plan = calloc(1, sizeof *run->plan);
    TRY_OUT(mpi_check(MPI_Bcast(&length, 1, MPI_INT, COORDINATOR_RANK, run->launch.comm), "broadcast"));
    copy = calloc(1, (size_t)length + 1);
    if (!run->plan || !copy) {
        rc = fail(STATUS_LIMIT, "no memory for a plan");
        goto out;
    }
    if (text)
        memcpy(copy, text, (size_t)length);
    TRY_OUT(mpi_check(MPI_Bcast(copy, length, MPI_CHAR, COORDINATOR_RANK, run->launch.comm), "broadcast"));
    const struct planning_options options = {.comm = run->launch.comm,
                                             .planner = planner,
                                             .threads = worker_threads(run),
                                             .text = length > 0 ? copy : NULL,
                                             .config = &run->options->config,
                                             .weights = shared_weights_array(run->weights)};
    rc = planning_resolve(&options, run->plan, &run->plan_text);
out:
    free(copy);
    return rc;
}

// What is only known when all ranks have looked around.
static enum status check_earlier(const struct run *run)
{
    return run->prepared.resume ? resume_check(run->prepared.resume, shared_weights_info(run->weights)->md5, &run->tiles.rules) : STATUS_OK;
}

static void on_silence(void *context, int rank)
{
    const struct run *run = context;
    const char *host = run->hosts ? run->hosts + (size_t)rank * MPI_MAX_PROCESSOR_NAME : NULL;
    (void)fail(STATUS_INTERNAL, "%s%s%s%s: the job ends; what is done is kept, run the same command again to go on", status_message(),
               host ? " (host " : "", host ? host : "", host ? ")" : "");
    launch_abort(&run->launch, EXIT_INTERNAL);
}

static enum status start(struct run *run)
{
    enum status rc = STATUS_OK;
    if (run->launch.rank == COORDINATOR_RANK)
        rc = preparation_make(&run->prepared, run->options, run->launch.size);
    TRY(agree(run, rc));
    if (run->prepared.nothing_left)
        return rc;
    TRY(look_around(run));
    TRY(watchdog_start(&run->watchdog, &(struct watchdog_options){.comm = run->launch.comm,
                                                                  .seconds = run->options->config.watchdog.seconds,
                                                                  .silent = on_silence,
                                                                  .context = run}));
    TRY(choose_tiles(run));
    TRY(shared_weights_create(&run->weights, run->launch.comm, run->prepared.model));
    TRY(check_objective(run));
    TRY(agree(run, check_earlier(run)));
    if (run->options->config.objective == OBJECTIVE_GUIDE)
        TRY(share_guide(run));
    return make_plan(run, run->prepared.plan_text);
}

static double dream_work(const struct config *config, int width, int height)
{
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    const int count = geometry_octaves(width, height, config->octaves.count, config->octaves.scale, octaves);
    return config->steps * geometry_pixels(octaves, count);
}

static double explain_work(const struct config *config, int width, int height)
{
    const int baselines = config_has_baseline(config, "black") + config_has_baseline(config, "blurred") +
                          (config_has_baseline(config, "images") ? BASELINE_IMAGES_MAX : 0);
    struct objective objective;
    const bool known = objective_find_targets(&objective, config) == STATUS_OK;
    return (known ? explain_passes(&objective, baselines) : 1) * width * height;
}

// As coordinator of all, or, in a worker that reads and writes itself, of that one over `local`.
static enum status be_coordinator(struct run *run, MPI_Comm local, struct coordinator_outcome *outcome)
{
    const struct weights_info *weights = shared_weights_info(run->weights);
    const struct config *config = &run->options->config;
    const bool alone = run->launch.size == 1, leader = local != MPI_COMM_NULL;
    const char **hosts = calloc((size_t)run->launch.size, sizeof *hosts);
    struct objective targets;
    enum status rc;
    if (!hosts) {
        rc = fail(STATUS_LIMIT, "no memory for the names of the hosts");
        goto out;
    }
    const struct schedule schedule = {.config = config,
                                      .tiles = run->tiles.rules,
                                      .min_side = run->tiles.min_side,
                                      .explains = run->options->explain,
                                      .feature_bytes = run->tiles.feature_bytes,
                                      .window_bytes = run->tiles.window_bytes,
                                      .memory_limit = run->memory_limit,
                                      .workers = alone || leader ? 1 : run->launch.size - 1};
    if (leader)
        ; // rank 0 has said it
    else if (config->team.size > schedule.workers)
        log_warning("team.size is %d and there are %d workers: they are one team", config->team.size, schedule.workers);
    else if (config->team.size > 0 && schedule.workers % config->team.size != 0)
        log_warning("team.size %d leaves %d of %d workers without work", config->team.size, schedule.workers % config->team.size,
                    schedule.workers);
    TRY_OUT(objective_find_targets(&targets, config));
    for (int i = 0; i < run->launch.size && !leader; i++)
        hosts[i] = run->hosts + (size_t)i * MPI_MAX_PROCESSOR_NAME;
    const struct coordinator_options options = {
        .comm = run->launch.comm,
        .first_worker = alone ? 0 : 1,
        .kind = run->options->explain ? JOB_EXPLAIN : JOB_DREAM,
        .work = run->options->explain ? explain_work : dream_work,
        .schedule = &schedule,
        .config = config,
        .output = run->options->output,
        .inputs = run->options->inputs,
        .input_count = run->options->input_count,
        .resume = run->prepared.resume,
        .leaders = run->prepared.leaders,
        .header = {.kind = run->options->explain ? "explain" : "dream",
                   .config = leader ? config : &run->prepared.recorded,
                   .channels = targets.channels,
                   .cam_layer = config->targets.items[cam_target(&targets)].layer,
                   .importance = run->options->explain ? IMPORTANCE_GRADIENT_ACTIVATION : config->importance.method,
                   .weights_md5 = weights->md5,
                   .weights_source = weights->source,
                   .plan = run->plan_text,
                   .ranks = run->launch.size,
                   .workers = schedule.workers,
                   .tiles = &schedule.tiles,
                   .halo_exact = run->tiles.exact,
                   .hosts = hosts,
                   .cores = run->cores,
                   .node_cores = run->node_cores},
    };
    rc = leader ? leader_run(&options, local) : coordinator_run(&options, outcome);
out:
    free(hosts);
    return rc;
}

struct local_coordinator {
    struct run *run;
    MPI_Comm comm;
};

static void *leader_thread(void *context)
{
    const struct local_coordinator *local = context;
    if (be_coordinator(local->run, local->comm, NULL) != STATUS_OK)
        launch_abort(&local->run->launch, EXIT_INTERNAL);
    return NULL;
}

// The same worker takes its jobs from a coordinator of its own, in a thread beside it, as long as there are images that it can do alone.
static enum status lead(struct run *run, struct worker *worker)
{
    struct local_coordinator local = {.run = run};
    pthread_t thread;
    enum status rc = STATUS_OK;
    TRY(mpi_check(MPI_Comm_dup(MPI_COMM_SELF, &local.comm), "communicator of one"));
    TRY(mpi_check(MPI_Comm_set_errhandler(local.comm, MPI_ERRORS_RETURN), "error handler"));
    TRY(thread_start(&thread, leader_thread, &local));
    rc = worker_serve(worker, local.comm);
    if (rc != STATUS_OK)
        launch_abort(&run->launch, EXIT_INTERNAL);
    pthread_join(thread, NULL);
    return mpi_check(MPI_Comm_free(&local.comm), "free");
}

static enum status be_worker(struct run *run)
{
    const struct worker_options options = {
        .config = &run->options->config,
        .weights = shared_weights_array(run->weights),
        .classes = shared_weights_info(run->weights)->classes,
        .guide = run->guide.rgb ? &run->guide : NULL,
        .rules = &run->tiles.rules,
        .plan = run->plan,
        .threads = worker_threads(run),
    };
    struct worker *worker = NULL;
    enum status rc;
    log_debug("rank %d: %d threads, %.1f GiB", run->launch.rank, options.threads, (double)run->memory_limit / (1 << 30));
    TRY_OUT(worker_create(&worker, &options));
    if (run->prepared.leaders)
        TRY_OUT(lead(run, worker));
    TRY_OUT(worker_serve(worker, run->launch.comm));
    rc = mpi_send(worker_timing(worker), sizeof(struct timing), COORDINATOR_RANK, MESSAGE_TIMING, run->launch.comm);
out:
    worker_destroy(&worker);
    return rc;
}

static void *worker_thread(void *context)
{
    struct run *run = context;
    if (be_worker(run) != STATUS_OK)
        launch_abort(&run->launch, EXIT_INTERNAL);
    return NULL;
}

// One process alone plays both parts: the worker in a thread of its own, with the same messages as anywhere.
static enum status be_both(struct run *run, struct coordinator_outcome *outcome)
{
    pthread_t thread;
    enum status rc = thread_start(&thread, worker_thread, run);
    if (rc != STATUS_OK)
        return rc;
    rc = be_coordinator(run, MPI_COMM_NULL, outcome);
    if (rc != STATUS_OK)
        launch_abort(&run->launch, outcome->refused ? EXIT_USAGE : EXIT_INTERNAL); // the worker waits for a word that will not come
    pthread_join(thread, NULL);
    return rc;
}

static int exit_code_for(const struct coordinator_outcome *outcome)
{
    if (outcome->was_stopped)
        return EXIT_STOPPED;
    return outcome->failed > 0 || outcome->rows_lost ? EXIT_SOME_FAILED : EXIT_ALL_DONE;
}

int run_job(struct job_options *options)
{
    const double started = now();
    struct run run = {.options = options};
    struct coordinator_outcome outcome = {0};
    stop_install(options->max_seconds > 0 ? started + options->max_seconds : 0); // a signal may come while we are still starting
    enum status rc = launch_start(&run.launch);
    if (rc != STATUS_OK)
        goto failed;
    rc = start(&run);
    if (rc != STATUS_OK) // every rank knows; one says so
        goto failed;
    if (run.prepared.nothing_left)
        goto end;
    rc = run.launch.size == 1                  ? be_both(&run, &outcome)
         : run.launch.rank == COORDINATOR_RANK ? be_coordinator(&run, MPI_COMM_NULL, &outcome)
                                               : be_worker(&run);
    if (rc != STATUS_OK)
        launch_abort(&run.launch, outcome.refused ? EXIT_USAGE : EXIT_INTERNAL);
    rc = watchdog_stop(&run.watchdog);
    if (rc != STATUS_OK)
        goto failed;
    shared_weights_destroy(&run.weights);
end:
    preparation_destroy(&run.prepared);
    image_destroy(&run.guide);
    free(run.plan_text);
    free(run.plan);
    free(run.hosts);
    free(run.cores);
    free(run.node_cores);
    rc = launch_end(&run.launch);
    if (rc == STATUS_OK)
        return exit_code_for(&outcome);
failed:
    if (run.launch.rank == COORDINATOR_RANK)
        log_error("%s", status_message());
    int initialized = 0;
    if (MPI_Initialized(&initialized) == MPI_SUCCESS && initialized && watchdog_stop(&run.watchdog) == STATUS_OK)
        MPI_Finalize();
    return exit_code(rc);
}
