// SPDX-License-Identifier: MIT
#include "job/resources.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

int resources_processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

int resources_threads(int configured, int workers, int processors)
{
    const char *const names[] = {"OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK"};
    if (configured > 0)
        return configured;
    for (int i = 0; i < 2; i++) {
        const uint64_t value = from_environment(names[i]);
        if (value > 0 && value <= INT_MAX)
            return (int)value;
    }
    const int bound = resources_processors(), share = workers > 0 && processors > workers ? processors / workers : 1;
    return bound < share ? bound : share; // several ranks may be bound to the same ones
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
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t node = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_C(1) << 32;
    const uint64_t group = control_group_limit(), slurm = slurm_limit();
    if (group < node)
        node = group;
    if (slurm > 0 && slurm < node)
        node = slurm;
    return node / 10 * 9 / (uint64_t)ranks;
}
