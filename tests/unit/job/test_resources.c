// SPDX-License-Identifier: MIT
// What a rank may use, as the launcher's environment says.
#include "job/resources.h"

#include <stdlib.h>

#include "unit.h"

static void forget(void)
{
    static const char *const names[] = {"SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU", "SLURM_CPUS_ON_NODE", "SLURM_CPUS_PER_TASK",
                                        "OMP_NUM_THREADS"};
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

static void test_threads(void)
{
    forget();
    const int bound = resources_processors();
    CU_ASSERT(bound >= 1);
    CU_ASSERT_EQUAL(resources_threads(7, 1, bound), 7);
    CU_ASSERT_EQUAL(resources_threads(0, 1, bound), bound);
    CU_ASSERT_EQUAL(resources_threads(0, 1000, bound), 1);
    CU_ASSERT_EQUAL(resources_threads(0, 0, bound), 1); // where rank 0 has a node for itself
    setenv("SLURM_CPUS_PER_TASK", "5", 1);
    CU_ASSERT_EQUAL(resources_threads(0, 1, bound), 5);
    setenv("OMP_NUM_THREADS", "3,2", 1);
    CU_ASSERT_EQUAL(resources_threads(0, 1, bound), 3);
    setenv("OMP_NUM_THREADS", "-3", 1);
    CU_ASSERT_EQUAL(resources_threads(0, 1, bound), 5);
    forget();
}

static const struct unit_test tests[] = {
    {"memory", test_memory},
    {"threads", test_threads},
};
UNIT_MAIN("resources", tests)
