// SPDX-License-Identifier: MIT
// The cores of this machine, as hwloc sees them, and those that a thread is bound to. A core counts once, however many processors (hardware
// threads, SMT) it has.
#pragma once

#include <limits.h>

#include "common/system/status.h"

enum { PROCESSORS_MAX = 16384 }; // Linux has 8192 at most; those beyond are not seen

// A set of processors, as bits, processor 0 the lowest of the first word: can be combined by ranks of one machine.
enum { PROCESSOR_WORDS = PROCESSORS_MAX / (CHAR_BIT * (int)sizeof(unsigned long)) };
struct processor_set {
    unsigned long words[PROCESSOR_WORDS];
};
int processor_set_count(const struct processor_set *set);

struct machine;

// Also what this process must not use; what the environment says of it (HWLOC_SYNTHETIC, HWLOC_XMLFILE) goes first. STATUS_INTERNAL: hwloc
// fails.
enum status machine_create(struct machine **machine) MUST_CHECK;
void machine_destroy(struct machine **machine); // NULL is fine

// The processors that the calling thread may run on; where OpenMP binds its threads (OMP_PROC_BIND), those of all of them.
enum status machine_bound(const struct machine *machine, struct processor_set *set) MUST_CHECK;

// Cores that have a processor of the set, and NUMA nodes that are next to one.
int machine_cores(const struct machine *machine, const struct processor_set *set);
int machine_numa_nodes(const struct machine *machine, const struct processor_set *set);

// Binds the calling thread to the processors of the set that are in its core number `core`, from 0 on; -1: to all of the set. Where the
// system does not let it, the thread stays where it is.
void machine_bind(const struct machine *machine, const struct processor_set *set, int core);
