// SPDX-License-Identifier: MIT
#include "job/start.h"

#include <stdlib.h>
#include <string.h>

#include "common/wire/messages.h"
#include "job/planning.h"
#include "job/resources.h"
#include "kernels/network/parameters.h"
#include "kernels/simd/simd.h"
#include "weights/model_fetch.h"
#include "worker/network/objective.h"

// For what rank 0 gathers of all.
static enum status make_room(struct run *run)
{
    const int ranks = run->launch.size;
    if (run->launch.rank != COORDINATOR_RANK)
        return STATUS_OK;
    TRY(ALLOCATE(run->hosts, ranks, "for what %d ranks say", ranks));
    TRY(ALLOCATE(run->cores, ranks, "for what %d ranks say", ranks));
    TRY(ALLOCATE(run->node_cores, ranks, "for what %d ranks say", ranks));
    TRY(ALLOCATE(run->host_names, ranks, "for what %d ranks say", ranks));
    for (int i = 0; i < ranks; i++)
        run->host_names[i] = run->hosts[i];
    return STATUS_OK;
}

// What each rank may compute on, for the run file: whoever reads its times must know whether ranks shared cores.
static enum status look_around(struct run *run)
{
    char host[MPI_MAX_PROCESSOR_NAME] = "";
    int length = 0, first = run->launch.rank; // of the node
    struct cores *const cores = &run->place;
    const MPI_Comm comm = run->launch.comm;
    struct machine *machine = NULL;
    struct processor_set bound, all; // all: by the node's ranks
    MPI_Comm node;
    enum status rc;
    rc = machine_create(&machine);
    TRY_OUT(launch_agree(&run->launch, rc == STATUS_OK ? machine_bound(machine, &bound) : rc));
    TRY_OUT(mpi_check(MPI_Get_processor_name(host, &length), "processor name"));
    TRY_OUT(mpi_check(MPI_Gather(host, sizeof host, MPI_CHAR, run->hosts, sizeof host, MPI_CHAR, COORDINATOR_RANK, comm), "gather"));
    TRY_OUT(mpi_check(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, run->launch.rank, MPI_INFO_NULL, &node), "split by node"));
    TRY_OUT(mpi_check(MPI_Comm_size(node, &run->node_ranks), "size"));
    TRY_OUT(mpi_check(MPI_Bcast(&first, 1, MPI_INT, 0, node), "broadcast"));
    TRY_OUT(mpi_check(MPI_Allreduce(bound.words, all.words, PROCESSOR_WORDS, MPI_UNSIGNED_LONG, MPI_BOR, node), "reduce"));
    *cores = resources_cores(machine, &bound, &all, run->node_ranks - (first == COORDINATOR_RANK && run->launch.size > 1));
    TRY_OUT(mpi_check(MPI_Gather(&cores->own, 1, MPI_INT, run->cores, 1, MPI_INT, COORDINATOR_RANK, comm), "gather"));
    TRY_OUT(mpi_check(MPI_Gather(&cores->node, 1, MPI_INT, run->node_cores, 1, MPI_INT, COORDINATOR_RANK, comm), "gather"));
    rc = mpi_check(MPI_Comm_free(&node), "free");
out:
    machine_destroy(&machine);
    return rc;
}

// Of all ranks that compute, not of a coordinator.
static enum status choose_threads(struct run *run)
{
    char doubt[RESOURCES_DOUBT_MAX] = "";
    const struct threads threads = resources_threads(run->options->config.threads, &run->place);
    run->threads = threads.count;
    if (run->launch.size == 1 || run->launch.rank != COORDINATOR_RANK)
        resources_doubt(&threads, &run->place, doubt);
    return launch_warn(&run->launch, doubt);
}

// The rank that times convolutions: one that computes.
static int planner_of(const struct launch *launch)
{
    return launch->size > 1 ? 1 : COORDINATOR_RANK;
}

// Kinds of processors in one job. What depends on the kind becomes the same for all here, but for the plan.
static enum status compare_processors(struct run *run)
{
    const struct launch *launch = &run->launch;
    struct config *config = &run->options->config;
    const bool idle = launch->size > 1 && launch->rank == COORDINATOR_RANK;
    struct plan_origin here;
    plan_origin_here(&here, 0);
    run->planner = here;
    TRY(mpi_check(MPI_Bcast(&run->planner, sizeof run->planner, MPI_BYTE, planner_of(launch), launch->comm), "broadcast"));
    run->other = !idle && memcmp(&here, &run->planner, sizeof here) != 0;
    int kinds[] = {run->other, !idle && !simd_here()->bf16_products}; // another one; one without bfloat16
    TRY(mpi_check(MPI_Allreduce(MPI_IN_PLACE, kinds, 2, MPI_INT, MPI_MAX, launch->comm), "reduce"));
    run->mixed = kinds[0];
    if (config->precision == PRECISION_AUTO)
        config->precision = kinds[1] ? PRECISION_F32 : PRECISION_BF16;
    return STATUS_OK;
}

static void on_silence(void *context, int rank)
{
    const struct run *run = context;
    const char *host = run->hosts ? run->hosts[rank] : NULL;
    (void)fail(STATUS_INTERNAL, "%s%s%s%s: the job ends; what is done is kept, run the same command again to go on", status_message(),
               host ? " (host " : "", host ? host : "", host ? ")" : "");
    launch_abort(&run->launch, EXIT_INTERNAL);
}

// Tiles are the same on every rank, and for any number of ranks as long as memory suffices for the usual size.
static enum status choose_tiles(struct run *run)
{
    struct config config = run->options->config;
    if (config.tile.size == 0)
        config.tile.size = run->prepared.known.tile_size;
    TRY(tile_rules_resolve(&config, run->memory_limit, &run->tiles));
    if (run->tiles.limited && run->launch.rank == COORDINATOR_RANK)
        log_warning(
            "tiles are %d pixels long at most, as memory allows; dreams of larger pictures depend on that: set tile.size to repeat them",
            run->tiles.rules.size);
    return STATUS_OK;
}

// What only the weights show, and what is only known when all ranks have looked around.
static enum status check_all(const struct run *run)
{
    const struct shared_weights *weights = &run->weights;
    struct objective objective;
    TRY(weights_choose_class(&weights->info, &run->options->config));
    const enum status rc = objective_init(&objective, &run->options->config, weights->array, weights->info.classes);
    objective_destroy(&objective);
    if (rc != STATUS_OK || !run->prepared.resume)
        return rc;
    return resume_check(run->prepared.resume, weights->info.md5, &run->tiles.rules);
}

static void warn_of_teams(const struct run *run)
{
    const int size = run->options->config.team.size, workers = run->launch.size > 1 ? run->launch.size - 1 : 1;
    if (run->launch.rank != COORDINATOR_RANK || size == 0)
        return;
    if (size > workers)
        log_warning(workers == 1 ? "team.size is %d and there is %d worker" : "team.size is %d and there are %d workers: they are one team",
                    size, workers);
    else if (workers % size != 0)
        log_warning("team.size %d leaves %d of %d workers without work", size, workers % size, workers);
}

// The guide's pixels, which rank 0 has loaded, to every rank.
static enum status share_guide(struct run *run)
{
    int size[2] = {run->prepared.guide.width, run->prepared.guide.height};
    TRY(mpi_check(MPI_Bcast(size, 2, MPI_INT, COORDINATOR_RANK, run->launch.comm), "broadcast"));
    run->guide = run->prepared.guide;
    run->prepared.guide = (struct image){0};
    TRY(launch_agree(&run->launch, run->guide.rgb ? STATUS_OK : image_create(&run->guide, size[0], size[1])));
    return mpi_check(MPI_Bcast(run->guide.rgb, 3 * size[0] * size[1], MPI_FLOAT, COORDINATOR_RANK, run->launch.comm), "broadcast");
}

// On rank 0: those of the weights that there are; without a digest where there are none and nothing needs them. Of a run that is gone on
// with they must be what they were.
static enum status read_statistics(struct run *run)
{
    const struct resume *resume = run->prepared.resume;
    struct statistics_info *info = &run->statistics_info;
    char digest[65], path[FILE_PATH_MAX];
    if (!config_wants_statistics(&run->options->config))
        return STATUS_OK;
    TRY(ALLOCATE(run->statistics, statistics_count(network_inception_v3()), "for statistics of channels"));
    TRY(statistics_digest(run->weights.array, digest));
    const enum status rc = statistics_find(digest, run->options->config.model.path, path);
    if (rc == STATUS_OK) {
        TRY(statistics_read(path, digest, run->statistics, info));
        log_debug("%s: of %d pictures of %d pixels", path, info->pictures, info->side);
    } else if (rc != STATUS_USAGE || config_needs_statistics(&run->options->config)) {
        return rc;
    } else {
        log_info("balance: auto is 0: %s", status_message());
    }
    if (!resume || strcmp(resume->statistics_sha256, info->sha256) == 0)
        return STATUS_OK;
    return resume_refuse(resume, "the statistics of channels over ordinary pictures were others");
}

// From rank 0, which reads them, to all.
static enum status share_statistics(struct run *run)
{
    struct launch *launch = &run->launch;
    const bool reads = launch->rank == COORDINATOR_RANK;
    const size_t count = statistics_count(network_inception_v3());
    if (!config_wants_statistics(&run->options->config))
        return STATUS_OK;
    TRY(launch_agree(launch, reads ? read_statistics(run) : ALLOCATE(run->statistics, count, "for statistics of channels")));
    TRY(mpi_check(MPI_Bcast(&run->statistics_info, sizeof run->statistics_info, MPI_BYTE, COORDINATOR_RANK, launch->comm), "broadcast"));
    if (run->statistics_info.sha256[0])
        return mpi_check(MPI_Bcast(run->statistics, (int)count, MPI_FLOAT, COORDINATOR_RANK, launch->comm), "broadcast");
    free(run->statistics);
    run->statistics = NULL;
    return STATUS_OK;
}

// And the mask, of which it is known already whether there is one.
static enum status share_mask(struct run *run)
{
    struct mask *mask = &run->mask;
    int size[2] = {run->prepared.mask.width, run->prepared.mask.height};
    TRY(mpi_check(MPI_Bcast(size, 2, MPI_INT, COORDINATOR_RANK, run->launch.comm), "broadcast"));
    *mask = run->prepared.mask;
    run->prepared.mask = (struct mask){0};
    enum status rc = STATUS_OK;
    if (!mask->values) {
        *mask = (struct mask){.width = size[0], .height = size[1]};
        rc = ALLOCATE(mask->values, mask_count(mask), "for a mask of %d x %d pixels", size[0], size[1]);
    }
    TRY(launch_agree(&run->launch, rc));
    return mpi_check(MPI_Bcast(mask->values, size[0] * size[1], MPI_UINT16_T, COORDINATOR_RANK, run->launch.comm), "broadcast");
}

// What is fastest for one kind of processor may not be possible for another, or round otherwise. `given`: there is a plan already.
static enum status plan_for_all(struct run *run, bool given)
{
    struct plan_origin here;
    char text[STATUS_MESSAGE_MAX] = "";
    char *plan = run->options->config.plan;
    const bool off = run->mixed && !given && strcmp(plan, "auto") == 0;
    if (off)
        strcpy(plan, "off");
    plan_origin_here(&here, 0);
    if (run->other)
        snprintf(text, sizeof text,
                 "the processor is %s with %s, and that of rank %d %s with %s%s: dreams may differ from those of one kind alone", here.cpu,
                 here.simd, planner_of(&run->launch), run->planner.cpu, run->planner.simd, off ? ", so that plan is off" : "");
    return launch_warn(&run->launch, text);
}

// One rank makes it; the text that rank 0 has read goes there. The others wait asleep, so that the planner has the machine.
static enum status find_plan(struct run *run)
{
    struct launch *launch = &run->launch;
    const struct config *config = &run->options->config;
    const int planner = planner_of(launch);
    char **read = &run->prepared.plan_text;
    enum status rc = STATUS_OK;
    TRY(launch_share_text(launch, COORDINATOR_RANK, read));
    TRY(plan_for_all(run, *read));
    if (launch->rank == planner)
        rc = planning_find(config, run->threads, run->weights.array, *read, &run->plan, &run->plan_text);
    TRY(launch_agree(launch, rc));
    TRY(launch_share_text(launch, planner, &run->plan_text));
    TRY(mpi_check(MPI_Bcast(&run->plan, sizeof run->plan, MPI_BYTE, planner, launch->comm), "broadcast"));
    return launch_agree(launch, run->other ? planning_check(config, &run->plan) : STATUS_OK);
}

static enum status make_plan(struct run *run)
{
    struct folder_lock_keeper keeper;
    folder_lock_keep(&keeper, &run->prepared.lock);
    const enum status rc = find_plan(run), kept = folder_lock_keep_end(&keeper);
    return rc == STATUS_OK ? launch_agree(&run->launch, kept) : rc;
}

enum status start_run(struct run *run)
{
    struct launch *launch = &run->launch;
    struct config *config = &run->options->config;
    struct preparation *prepared = &run->prepared;
    enum status rc = STATUS_OK;
    if (launch->rank == COORDINATOR_RANK)
        rc = preparation_make(prepared, run->options, launch->size);
    TRY(launch_agree(launch, rc));
    // What rank 0 has found out becomes everyone's.
    TRY(mpi_check(MPI_Bcast(config, sizeof *config, MPI_BYTE, COORDINATOR_RANK, launch->comm), "broadcast"));
    TRY(mpi_check(MPI_Bcast(&prepared->known, sizeof prepared->known, MPI_BYTE, COORDINATOR_RANK, launch->comm), "broadcast"));
    if (prepared->known.nothing_left)
        return STATUS_OK;
    TRY(launch_agree(launch, make_room(run)));
    TRY(look_around(run));
    TRY(choose_threads(run));
    TRY(compare_processors(run));
    if (launch->threaded)
        TRY(watchdog_start(
            &run->watchdog,
            &(struct watchdog_options){.comm = launch->comm, .seconds = config->watchdog.seconds, .silent = on_silence, .context = run}));
    else if (launch->rank == COORDINATOR_RANK && launch->size > 1 && config->watchdog.seconds > 0)
        log_warning("this MPI is not built for threads (no MPI_THREAD_MULTIPLE): nobody watches whether all ranks are still there");
    run->memory_limit = resources_memory(config->memory.limit, run->node_ranks);
    TRY(mpi_check(MPI_Allreduce(MPI_IN_PLACE, &run->memory_limit, 1, MPI_UINT64_T, MPI_MIN, launch->comm), "reduce"));
    TRY(launch_agree(launch, choose_tiles(run)));
    TRY(model_path_fail(shared_weights_create(&run->weights, launch, prepared->model), config->model.path));
    TRY(launch_agree(launch, check_all(run)));
    if (run->options->use == CONFIG_EXPLAIN && config->faithfulness.steps > 0)
        TRY(shared_weights_randomise(&run->randomised, launch, &run->weights, config->seed));
    TRY(share_statistics(run));
    if (config->objective == OBJECTIVE_GUIDE)
        TRY(share_guide(run));
    if (run->options->use != CONFIG_EXPLAIN && strcmp(config->mask, "none") != 0)
        TRY(share_mask(run));
    if (launch->rank == COORDINATOR_RANK)
        rc = preparation_check_output(prepared, run->options);
    TRY(launch_agree(launch, rc));
    warn_of_teams(run);
    return make_plan(run);
}

// The plan, as far as it can be told without timing anything.
static enum status look_at_plan(struct run *run)
{
    return planning_find(&run->options->config, 1, NULL, run->prepared.plan_text, &run->plan, &run->plan_text);
}

enum status start_dry(struct run *run)
{
    struct shared_weights *weights = &run->weights;
    struct config *config = &run->options->config;
    enum status rc;
    launch_announced(&run->launch.size, &run->node_ranks);
    TRY(preparation_make(&run->prepared, run->options, run->launch.size));
    if (run->prepared.known.nothing_left)
        return STATUS_OK;
    if (config->precision == PRECISION_AUTO)
        config->precision = simd_here()->bf16_products ? PRECISION_BF16 : PRECISION_F32;
    run->memory_limit = resources_memory(config->memory.limit, run->node_ranks);
    TRY(choose_tiles(run));
    TRY(ALLOCATE(weights->array, parameters_count(network_inception_v3()), "for the weights"));
    TRY_OUT(model_path_fail(weights_read(run->prepared.model, network_inception_v3(), weights->array, &weights->info), config->model.path));
    TRY_OUT(check_all(run));
    TRY_OUT(read_statistics(run));
    TRY_OUT(preparation_check_output(&run->prepared, run->options));
    warn_of_teams(run);
    rc = look_at_plan(run);
out:
    free(weights->array);
    weights->array = NULL;
    return rc;
}

void start_destroy(struct run *run)
{
    preparation_destroy(&run->prepared);
    image_destroy(&run->guide);
    free(run->statistics);
    mask_destroy(&run->mask);
    free(run->plan_text);
    free(run->hosts);
    free(run->host_names);
    free(run->cores);
    free(run->node_cores);
}
