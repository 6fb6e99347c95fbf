// SPDX-License-Identifier: MIT
// What one rank may use of its node: cores, threads, memory.
#pragma once

#include <stdint.h>

#include "common/system/machine.h"

// The cores that ranks are bound to. Siblings (SMT) are one core.
struct cores {
    int processors; // that this rank is bound to: siblings count
    int own;        // that this rank is bound to
    int numa_nodes; // that those belong to
    int node;       // that the ranks of its node are bound to, all together
    int workers;    // ranks of the node that dream, of which there may be none
};

// Of a rank that is bound to these, of a node whose ranks are bound to all those.
struct cores resources_cores(const struct machine *machine, const struct processor_set *bound, const struct processor_set *node,
                             int workers);

// Of a process for itself.
enum status resources_cores_alone(struct cores *cores) MUST_CHECK;

// OpenMP threads of a worker.
struct threads {
    int count;
    const char *asked_by; // the setting or variable that asks for so many; NULL: nothing does
};

// `configured` if above 0, else OMP_NUM_THREADS, else as many as there are cores for: those that the rank is bound to or, where several are
// bound to the same ones, its share, and no more than SLURM_CPUS_PER_TASK.
struct threads resources_threads(int configured, const struct cores *cores);

enum { RESOURCES_DOUBT_MAX = 320 };

// What is wrong with that and what to do: more threads than there are cores for, or fewer processors than Slurm gave the task. Empty:
// nothing.
void resources_doubt(const struct threads *threads, const struct cores *cores, char doubt[RESOURCES_DOUBT_MAX]);

// Bytes: `configured` if above 0, else the share of one of `ranks` in 90% of what Slurm, the control group or the machine grants the node.
uint64_t resources_memory(uint64_t configured, int ranks);
