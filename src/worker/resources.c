// SPDX-License-Identifier: MIT
#include "worker/resources.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
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
    const int bound = resources_processors(), share = processors / workers > 0 ? processors / workers : 1;
    return bound < share ? bound : share; // several ranks may be bound to the same ones
}

// The limit of this process' control group (version 2), or UINT64_MAX.
static uint64_t control_group_limit(void)
{
    char path[PATH_MAX] = "", group[PATH_MAX - 64] = "";
    unsigned long long limit = UINT64_MAX;
    FILE *stream = fopen("/proc/self/cgroup", "re");
    if (stream) {
        if (fscanf(stream, "0::%4000s", group) != 1)
            group[0] = '\0';
        fclose(stream);
    }
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", group);
    stream = fopen(path, "re");
    if (stream) {
        if (fscanf(stream, "%llu", &limit) != 1)
            limit = UINT64_MAX; // "max"
        fclose(stream);
    }
    return limit;
}

uint64_t resources_memory(uint64_t configured, int ranks)
{
    if (configured > 0)
        return configured;
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t node = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_C(1) << 32;
    const uint64_t group = control_group_limit(), slurm = from_environment("SLURM_MEM_PER_NODE") << 20; // in MiB
    if (group < node)
        node = group;
    if (slurm > 0 && slurm < node)
        node = slurm;
    return node / 10 * 9 / (uint64_t)ranks;
}
