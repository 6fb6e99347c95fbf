// SPDX-License-Identifier: MIT
#include "job/resources.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/system/text.h"
#include "job/launcher.h"

// A positive number from the environment, or 0.
static uint64_t from_environment(const char *name)
{
    const char *text = getenv(name);
    char *end = NULL;
    if (!text || *text < '0' || *text > '9')
        return 0;
    const uint64_t value = strtoull(text, &end, 10);
    return *end == '\0' || *end == ',' ? value : 0; // OMP_NUM_THREADS may list levels: "4,2"
}

struct cores resources_cores(const struct machine *machine, const struct processor_set *bound, const struct processor_set *node,
                             int workers)
{
    return (struct cores){.processors = processor_set_count(bound),
                          .own = machine_cores(machine, bound),
                          .numa_nodes = machine_numa_nodes(machine, bound),
                          .node = machine_cores(machine, node),
                          .workers = workers};
}

enum status resources_cores_alone(struct cores *cores)
{
    struct processor_set bound;
    struct machine *machine = NULL;
    enum status rc;
    TRY_OUT(machine_create(&machine));
    TRY_OUT(machine_bound(machine, &bound));
    *cores = resources_cores(machine, &bound, &bound, 1);
out:
    machine_destroy(&machine);
    return rc;
}

// As many threads as there are cores for.
static int fair(const struct cores *cores)
{
    const int share = cores->workers > 0 && cores->node > cores->workers ? cores->node / cores->workers : 1;
    return cores->own < share ? cores->own : share;
}

struct threads resources_threads(int configured, const struct cores *cores)
{
    const uint64_t variable = from_environment("OMP_NUM_THREADS"), task = from_environment("SLURM_CPUS_PER_TASK");
    const int most = fair(cores);
    if (configured > 0)
        return (struct threads){configured, "threads"};
    if (variable > 0 && variable <= INT_MAX)
        return (struct threads){(int)variable, "OMP_NUM_THREADS"};
    return (struct threads){task > 0 && task < (uint64_t)most ? (int)task : most, NULL};
}

void resources_doubt(const struct threads *threads, const struct cores *cores, char doubt[RESOURCES_DOUBT_MAX])
{
    const int most = fair(cores);
    const uint64_t task = from_environment("SLURM_CPUS_PER_TASK");
    doubt[0] = '\0';
    if (threads->asked_by && threads->count > most)
        snprintf(doubt, RESOURCES_DOUBT_MAX,
                 "%s is %d, and there are cores for %d thread%s: leave it away, or give each rank %d cores (" LAUNCHER_CORES
                 ", srun --cpus-per-task=%d)",
                 threads->asked_by, threads->count, most, PLURAL(most), threads->count, threads->count, threads->count);
    else if (!threads->asked_by && task <= PROCESSORS_MAX && (int)task > cores->processors)
        snprintf(doubt, RESOURCES_DOUBT_MAX,
                 "SLURM_CPUS_PER_TASK is %d, and the launcher has bound the rank to %d, so that it uses no more: give it all of them "
                 "(" LAUNCHER_CORES ", srun --cpus-per-task=%d)",
                 (int)task, cores->processors, (int)task, (int)task);
}

// The least limit of a control group and those that it is in. `root` is where the hierarchy is mounted.
static uint64_t least_limit(const char *root, char *group, const char *file)
{
    uint64_t least = UINT64_MAX;
    for (;;) {
        char path[PATH_MAX];
        unsigned long long limit;
        snprintf(path, sizeof path, "%s%s/%s", root, group, file);
        FILE *stream = fopen(path, "re");
        if (stream) {
            if (fscanf(stream, "%llu", &limit) == 1 && limit < least) // not "max"
                least = limit;
            fclose(stream);
        }
        char *slash = strrchr(group, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

// What the control groups of this process grant, version 2 or version 1; UINT64_MAX without a limit.
static uint64_t control_group_limit(void)
{
    static const char first[] = ":memory:";
    char line[PATH_MAX];
    uint64_t limit = UINT64_MAX;
    FILE *stream = fopen("/proc/self/cgroup", "re");
    while (stream && fgets(line, sizeof line, stream)) {
        char *group = strstr(line, first);
        const bool second = strncmp(line, "0::", 3) == 0;
        line[strcspn(line, "\n")] = '\0';
        if (!second && !group)
            continue;
        const uint64_t found = second ? least_limit("/sys/fs/cgroup", line + 3, "memory.max")
                                      : least_limit("/sys/fs/cgroup/memory", group + sizeof first - 1, "memory.limit_in_bytes");
        limit = found < limit ? found : limit;
    }
    if (stream)
        fclose(stream);
    return limit;
}

// What Slurm gave the job on this node, in bytes; 0 if it does not say.
static uint64_t slurm_limit(void)
{
    const uint64_t node = from_environment("SLURM_MEM_PER_NODE"), processor = from_environment("SLURM_MEM_PER_CPU"); // MiB
    return (node > 0 ? node : processor * from_environment("SLURM_CPUS_ON_NODE")) << 20;
}

uint64_t resources_memory(uint64_t configured, int ranks)
{
    if (configured > 0)
        return configured;
    // Not hwloc's total: it adds up what the NUMA nodes have online, on a virtual machine 7 of 23 GiB and more with each look; and it knows
    // no limits of control groups.
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t node = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_C(1) << 32;
    const uint64_t group = control_group_limit(), slurm = slurm_limit();
    if (group < node)
        node = group;
    if (slurm > 0 && slurm < node)
        node = slurm;
    return node / 10 * 9 / (uint64_t)ranks;
}
