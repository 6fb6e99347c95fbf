// SPDX-License-Identifier: MIT
// What a rank may use: memory as the launcher's environment says, threads as its binding says, on machines that hwloc makes up.
#include "job/resources.h"

#include <mpi.h>
#include <omp.h>
#include <stdlib.h>

#include "unit.h"

static void forget(void)
{
    static const char *const names[] = {"SLURM_MEM_PER_NODE",  "SLURM_MEM_PER_CPU", "SLURM_CPUS_ON_NODE",
                                        "SLURM_CPUS_PER_TASK", "OMP_NUM_THREADS",   "HWLOC_SYNTHETIC"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
}

static const uint64_t MIB = UINT64_C(1) << 20;

static void test_memory(void)
{
    forget();
    const uint64_t all = resources_memory(0, 1);
    CU_ASSERT(all > 64 * MIB);
    CU_ASSERT(resources_memory(0, 4) <= all / 4 + 1 && resources_memory(0, 4) > all / 5);
    CU_ASSERT_EQUAL(resources_memory(123 * MIB, 4), 123 * MIB); // as configured
    setenv("SLURM_MEM_PER_NODE", "100", 1);
    CU_ASSERT_EQUAL(resources_memory(0, 3), 100 * MIB / 10 * 9 / 3);
    setenv("SLURM_MEM_PER_NODE", "0", 1); // all that there is
    CU_ASSERT_EQUAL(resources_memory(0, 1), all);
    forget();
    setenv("SLURM_MEM_PER_CPU", "30", 1);
    setenv("SLURM_CPUS_ON_NODE", "4", 1);
    CU_ASSERT_EQUAL(resources_memory(0, 2), 120 * MIB / 10 * 9 / 2);
    setenv("SLURM_MEM_PER_CPU", "lots", 1);
    CU_ASSERT_EQUAL(resources_memory(0, 1), all);
    forget();
}

// A machine of two packages with four NUMA nodes of 16 cores each, processors numbered as they lie there: siblings are 2k and 2k + 1.
static const char eight_nodes[] = "package:2 numa:4 core:16 pu:2";

static struct machine *make_up(const char *synthetic)
{
    struct machine *machine;
    setenv("HWLOC_SYNTHETIC", synthetic, 1);
    UNIT_OK(machine_create(&machine));
    return machine;
}

static struct processor_set every(int step, int first, int end)
{
    enum { BITS = CHAR_BIT * (int)sizeof(unsigned long) };
    struct processor_set set = {{0}};
    for (int p = first; p < end; p += step)
        set.words[p / BITS] |= 1ul << p % BITS;
    return set;
}

static void expect(const struct machine *machine, struct processor_set set, int processors, int cores, int numa_nodes)
{
    CU_ASSERT_EQUAL(processor_set_count(&set), processors);
    CU_ASSERT_EQUAL(machine_cores(machine, &set), cores);
    CU_ASSERT_EQUAL(machine_numa_nodes(machine, &set), numa_nodes);
}

static void test_eight_nodes(void)
{
    forget();
    struct machine *machine = make_up(eight_nodes);
    struct processor_set bound;
    UNIT_OK(machine_bound(machine, &bound));
    expect(machine, bound, 256, 128, 8);
    expect(machine, every(1, 96, 128), 32, 16, 1);  // the fourth NUMA node
    expect(machine, every(2, 0, 256), 128, 128, 8); // a sibling of each core
    expect(machine, every(1, 100, 102), 2, 1, 1);
    expect(machine, every(1, 101, 103), 2, 2, 1); // halves of two
    machine_destroy(&machine);
    forget();
}

static void test_many_processors(void)
{
    forget();
    struct machine *machine = make_up("package:8 core:128 pu:2");
    struct processor_set bound;
    UNIT_OK(machine_bound(machine, &bound));
    expect(machine, bound, 2048, 1024, 1);
    expect(machine, every(1, 1000, 1060), 60, 30, 1);
    expect(machine, every(1, 2046, 2048), 2, 1, 1);
    const struct processor_set own = every(1, 1536, 2048);
    const struct cores cores = resources_cores(machine, &own, &bound, 4);
    CU_ASSERT_EQUAL(resources_threads(0, &cores).count, 256);
    machine_destroy(&machine);
    // As where the system does not tell of cores.
    machine = make_up("pu:6");
    expect(machine, every(1, 1, 6), 5, 5, 1);
    machine_destroy(&machine);
    forget();
}

static int choose(const struct machine *machine, struct processor_set bound, struct processor_set node, int workers)
{
    const struct cores cores = resources_cores(machine, &bound, &node, workers);
    char doubt[RESOURCES_DOUBT_MAX];
    const struct threads threads = resources_threads(0, &cores);
    CU_ASSERT(!threads.asked_by);
    resources_doubt(&threads, &cores, doubt);
    CU_ASSERT_STRING_EQUAL(doubt, "");
    return threads.count;
}

static void test_auto(void)
{
    forget();
    struct machine *machine = make_up(eight_nodes);
    const struct processor_set all = every(1, 0, 256), numa = every(1, 32, 64);
    CU_ASSERT_EQUAL(choose(machine, all, all, 1), 128); // nobody binds: a share of the cores
    CU_ASSERT_EQUAL(choose(machine, all, all, 8), 16);
    CU_ASSERT_EQUAL(choose(machine, all, all, 7), 18);
    CU_ASSERT_EQUAL(choose(machine, all, all, 1000), 1);
    CU_ASSERT_EQUAL(choose(machine, all, all, 0), 1);               // where rank 0 has a node for itself
    CU_ASSERT_EQUAL(choose(machine, numa, all, 8), 16);             // to a NUMA node each
    CU_ASSERT_EQUAL(choose(machine, numa, every(1, 32, 96), 4), 8); // two to each of two NUMA nodes
    CU_ASSERT_EQUAL(choose(machine, every(1, 6, 8), all, 8), 1);    // to one core
    CU_ASSERT_EQUAL(choose(machine, every(1, 7, 8), all, 8), 1);    // to one half of it
    setenv("SLURM_CPUS_PER_TASK", "12", 1);                         // and nobody binds
    CU_ASSERT_EQUAL(choose(machine, all, all, 8), 12);
    setenv("SLURM_CPUS_PER_TASK", "32", 1); // processors: 16 cores
    CU_ASSERT_EQUAL(choose(machine, numa, all, 8), 16);
    machine_destroy(&machine);
    forget();
}

static void test_asked(void)
{
    forget();
    struct machine *machine = make_up(eight_nodes);
    const struct processor_set all = every(1, 0, 256), core = every(1, 6, 8);
    const struct cores one = resources_cores(machine, &core, &all, 4), share = resources_cores(machine, &all, &all, 4);
    struct threads threads = resources_threads(7, &one);
    char doubt[RESOURCES_DOUBT_MAX];
    CU_ASSERT_EQUAL(threads.count, 7);
    resources_doubt(&threads, &one, doubt);
    CU_ASSERT(strstr(doubt, "threads is 7, and there are cores for 1 thread: ") == doubt);
#ifdef OPEN_MPI
    CU_ASSERT_PTR_NOT_NULL(strstr(doubt, "slot:PE=7 --bind-to core,"));
#else
    CU_ASSERT_PTR_NOT_NULL(strstr(doubt, "-bind-to core:7,"));
#endif
    resources_doubt(&threads, &share, doubt);
    CU_ASSERT_STRING_EQUAL(doubt, "");
    threads = resources_threads(1, &(struct cores){.processors = 1, .own = 1, .node = 1, .workers = 4}); // one can't ask for less
    resources_doubt(&threads, &one, doubt);
    CU_ASSERT_STRING_EQUAL(doubt, "");
    setenv("OMP_NUM_THREADS", "33,2", 1);
    setenv("SLURM_CPUS_PER_TASK", "5", 1);
    threads = resources_threads(0, &share);
    CU_ASSERT_EQUAL(threads.count, 33);
    resources_doubt(&threads, &share, doubt);
    CU_ASSERT(strstr(doubt, "OMP_NUM_THREADS is 33, and there are cores for 32 threads: ") == doubt);
    CU_ASSERT_EQUAL(resources_threads(3, &share).count, 3);
    setenv("OMP_NUM_THREADS", "-3", 1);
    CU_ASSERT_EQUAL(resources_threads(0, &share).count, 5);
    // What plain mpirun makes of sbatch --cpus-per-task=32.
    setenv("SLURM_CPUS_PER_TASK", "32", 1);
    threads = resources_threads(0, &one);
    CU_ASSERT_EQUAL(threads.count, 1);
    resources_doubt(&threads, &one, doubt);
    CU_ASSERT(strstr(doubt, "SLURM_CPUS_PER_TASK is 32, and the launcher has bound the rank to 2, ") == doubt);
    machine_destroy(&machine);
    forget();
}

// This machine: a thread is where it was bound to.
static void test_binding(void)
{
    forget();
    struct machine *machine;
    struct processor_set before, after;
    UNIT_OK(machine_create(&machine));
    UNIT_OK(machine_bound(machine, &before));
    const int cores = machine_cores(machine, &before);
    for (int core = 0; core < cores; core++) {
        machine_bind(machine, &before, core);
        UNIT_OK(machine_bound(machine, &after));
        CU_ASSERT_EQUAL(machine_cores(machine, &after), 1);
        CU_ASSERT(core == 0 || processor_set_count(&after) < processor_set_count(&before));
        for (int w = 0; w < PROCESSOR_WORDS; w++)
            CU_ASSERT_FATAL((after.words[w] & ~before.words[w]) == 0);
    }
    machine_bind(machine, &before, cores); // which there is not
    CU_ASSERT_EQUAL(machine_cores(machine, &after), 1);
    machine_bind(machine, &before, -1);
    UNIT_OK(machine_bound(machine, &after));
    CU_ASSERT_EQUAL(memcmp(&before, &after, sizeof before), 0);
    machine_destroy(&machine);
    struct cores alone;
    UNIT_OK(resources_cores_alone(&alone));
    CU_ASSERT(alone.own == cores && alone.node == cores && alone.workers == 1 && alone.numa_nodes >= 1);
    CU_ASSERT_EQUAL(resources_threads(0, &alone).count, cores);
}

static const struct unit_test tests[] = {
    {"memory", test_memory},      {"128 cores in 8 NUMA nodes", test_eight_nodes}, {"2048 processors", test_many_processors},
    {"threads: auto", test_auto}, {"threads that are asked for", test_asked},      {"binding", test_binding},
};
UNIT_MAIN("resources", tests)
