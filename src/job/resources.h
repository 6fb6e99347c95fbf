// SPDX-License-Identifier: MIT
// What one rank may use of its node.
#pragma once

#include <stdint.h>

// Processors that the launcher bound this process to.
int resources_processors(void);

// Threads of a worker: `configured` if above 0, else OMP_NUM_THREADS, else SLURM_CPUS_PER_TASK, else the processors that the launcher bound
// it to, else its share of the node's among the `workers` there, of which there may be none. `processors`: those that the ranks of the node
// are bound to, all together.
int resources_threads(int configured, int workers, int processors);

// Bytes: `configured` if above 0, else the share of one of `ranks` in 90% of what Slurm, the control group or the machine grants the node.
uint64_t resources_memory(uint64_t configured, int ranks);
