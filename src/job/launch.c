// SPDX-License-Identifier: MIT
#include "job/launch.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/log.h"
#include "common/system/stop_request.h"
#include "common/wire/agreement.h"
#include "common/wire/messages.h"
#include "job/launcher.h"

static int number(const char *name, int otherwise)
{
    const char *text = getenv(name);
    return text && *text ? atoi(text) : otherwise;
}

bool launch_is_first(void)
{
    const int slurm = number("SLURM_STEP_NUM_TASKS", 1) > 1 ? number("SLURM_PROCID", 0) : 0;
    return number("OMPI_COMM_WORLD_RANK", number("PMIX_RANK", number("PMI_RANK", slurm))) == 0;
}

// The first of these variables that is set, within 1 ... most.
static int announced(const char *const names[], int most, int otherwise)
{
    int value = otherwise;
    for (int i = 0; names[i]; i++)
        if (getenv(names[i])) {
            value = number(names[i], otherwise);
            break;
        }
    return value < 1 ? 1 : value > most ? most : value;
}

void launch_announced(int *ranks, int *node_ranks)
{
    enum { RANKS_MAX = 1000000 };
    static const char *const of_job[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS", NULL};
    static const char *const of_node[] = {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "SLURM_NTASKS_PER_NODE", "SLURM_TASKS_PER_NODE",
                                          NULL};
    *ranks = announced(of_job, RANKS_MAX, 1);
    *node_ranks = announced(of_node, *ranks, *ranks); // SLURM_TASKS_PER_NODE lists nodes: "4(x2),3"
}

int launch_started(void)
{
    return number("OMPI_COMM_WORLD_SIZE", number("PMI_SIZE", number("SLURM_STEP_NUM_TASKS", 1)));
}

// A launcher that this MPI does not understand starts N processes, each of which thinks that it is alone: N times the same work over the
// same files.
static enum status fail_strangers(struct launch *launch, const char *launcher, int tasks, bool first)
{
    launch->rank = first ? COORDINATOR_RANK : COORDINATOR_RANK + 1; // of which the first one speaks
    return fail(STATUS_USAGE,
                "%s started %d processes that do not see each other: start them with `" LAUNCHER_SRUN "` (`srun --mpi=list` shows "
                "what Slurm offers) or with the mpirun of " LAUNCHER_MPI ", which this is built with",
                launcher, tasks);
}

static bool has_launcher(void)
{
    return getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMIX_RANK") || getenv("PMI_RANK");
}

// Open MPI ends a process that srun started without PMIx, in a page of text that says nothing of --mpi=pmix. Many such processes are told
// here; a single one needs no launcher, as in the shell of `srun --pty bash`, and goes by itself if nothing tells Open MPI of the step.
static enum status check_step(struct launch *launch)
{
    const int tasks = number("SLURM_STEP_NUM_TASKS", 0);
    if (has_launcher())
        return STATUS_OK;
    if (tasks > 1)
        return fail_strangers(launch, "srun", tasks, launch_is_first());
    unsetenv("SLURM_STEPID");
    unsetenv("SLURM_STEP_ID");
    return STATUS_OK;
}

// `tasks`, `first`: of the environment before MPI was started, which adds to it.
static enum status check_world(struct launch *launch, int tasks, bool first)
{
    launch->agreed = launch->size == 1 && tasks > 1; // each finds the same
    return launch->agreed ? fail_strangers(launch, "the launcher", tasks, first) : STATUS_OK;
}

static bool on_one_node(void)
{
    return number("OMPI_COMM_WORLD_SIZE", 0) == number("OMPI_COMM_WORLD_LOCAL_SIZE", -1);
}

// A variable of the environment while MPI starts, where nobody has set it.
struct advice {
    const char *name, *value; // NULL: none
    bool given;
};
enum { ADVICE = 3 };

static void give(struct advice advice[ADVICE])
{
    for (int i = 0; i < ADVICE; i++)
        advice[i].given = advice[i].value && !getenv(advice[i].name) && setenv(advice[i].name, advice[i].value, 0) == 0;
}

static void take_back(const struct advice advice[ADVICE])
{
    for (int i = 0; i < ADVICE; i++)
        if (advice[i].given)
            unsetenv(advice[i].name);
}

// Open MPI 5 ends a process that has no home. One that is alone has nobody to share memory with: the file that it makes for that in
// /dev/shm stays. Ranks of one node can do without the network: where that has IPv6, each would warn that it found no way through it. MPICH
// takes SIGUSR1 for word of a rank that has died, and asks a launcher which one: without mpirun it waits for one for ever. The signal is
// ours alone, and so are the others that end a run; a SIGUSR1 that comes meanwhile waits.
static enum status init_mpi(int *provided)
{
    struct stop_handlers ours;
    sigset_t usr1, before;
    struct advice advice[ADVICE] = {{"HOME", "/", false},
                                    {"OMPI_MCA_btl", has_launcher() ? NULL : "self", false},
                                    {"OMPI_MCA_btl_tcp_disable_family", on_one_node() ? "6" : NULL, false}};
    give(advice);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &usr1, &before);
    stop_handlers_save(&ours);
    const int code = MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, provided);
    stop_handlers_restore(&ours);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    take_back(advice);
    return mpi_check(code, "init");
}

enum status launch_start(struct launch *launch)
{
    int provided;
    TRY(check_step(launch));
    const int tasks = launch_started();
    const bool first = launch_is_first();
    // The watchdog has a thread of its own; without that there is none.
    TRY(init_mpi(&provided));
    TRY(mpi_errors_return());
    TRY(mpi_check(MPI_Comm_dup(MPI_COMM_WORLD, &launch->comm), "duplicate of the world"));
    TRY(mpi_check(MPI_Comm_rank(launch->comm, &launch->rank), "rank"));
    TRY(mpi_check(MPI_Comm_size(launch->comm, &launch->size), "size"));
    launch->threaded = provided == MPI_THREAD_MULTIPLE;
    TRY(mpi_check(MPI_Allreduce(MPI_IN_PLACE, &launch->threaded, 1, MPI_INT, MPI_MIN, launch->comm), "reduce"));
    return check_world(launch, tasks, first);
}

enum status launch_agree(struct launch *launch, enum status mine)
{
    char host[MPI_MAX_PROCESSOR_NAME];
    int length;
    if (mine != STATUS_OK && launch->rank != COORDINATOR_RANK && MPI_Get_processor_name(host, &length) == MPI_SUCCESS)
        mine = fail_in(mine, "rank %d on %s", launch->rank, host);
    return agreement(launch->comm, mine, &launch->agreed);
}

enum status launch_share_text(struct launch *launch, int from, char **text)
{
    int size = launch->rank == from && *text ? (int)strlen(*text) + 1 : 0;
    MPI_Request request;
    TRY(mpi_check(MPI_Ibcast(&size, 1, MPI_INT, from, launch->comm, &request), "broadcast"));
    TRY(mpi_wait(&request));
    if (launch->rank != from)
        *text = size > 0 ? malloc((size_t)size) : NULL;
    TRY(launch_agree(launch, size == 0 || *text ? STATUS_OK : fail(STATUS_LIMIT, "no memory for a text of %d bytes", size)));
    return mpi_check(MPI_Bcast(*text, size, MPI_CHAR, from, launch->comm), "broadcast");
}

enum status launch_warn(const struct launch *launch, const char *mine)
{
    struct {
        char host[MPI_MAX_PROCESSOR_NAME], text[STATUS_MESSAGE_MAX];
    } word = {"", ""};
    char from[MPI_MAX_PROCESSOR_NAME + 32] = "", others[48] = "";
    const bool warns = mine && *mine;
    int first = warns ? launch->rank : launch->size, count = warns, length;
    TRY(mpi_check(MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, launch->comm), "reduce"));
    TRY(mpi_check(MPI_Allreduce(MPI_IN_PLACE, &count, 1, MPI_INT, MPI_SUM, launch->comm), "reduce"));
    if (count == 0)
        return STATUS_OK;
    if (launch->rank == first) {
        TRY(mpi_check(MPI_Get_processor_name(word.host, &length), "processor name"));
        snprintf(word.text, sizeof word.text, "%s", mine);
    }
    TRY(mpi_check(MPI_Bcast(&word, sizeof word, MPI_BYTE, first, launch->comm), "broadcast"));
    if (launch->size > 1)
        snprintf(from, sizeof from, "rank %d on %s: ", first, word.host);
    if (count > 1)
        snprintf(others, sizeof others, "; likewise on %d other rank%s", count - 1, count == 2 ? "" : "s");
    if (launch->rank == COORDINATOR_RANK)
        log_warning("%s%s%s", from, word.text, others);
    return STATUS_OK;
}

enum status launch_end(struct launch *launch)
{
    MPI_Request request;
    TRY(mpi_check(MPI_Ibarrier(launch->comm, &request), "barrier"));
    TRY(mpi_wait(&request));
    TRY(mpi_check(MPI_Comm_free(&launch->comm), "free"));
    return mpi_check(MPI_Finalize(), "finalize");
}

void launch_abort(const struct launch *launch, int exit_code)
{
    log_error("rank %d: %s", launch->rank, status_message());
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    abort();
}
