// SPDX-License-Identifier: MIT
#include "common/system/machine.h"

#include <errno.h>
#include <hwloc.h>
#include <omp.h>
#include <string.h>

struct machine {
    hwloc_topology_t topology;
    hwloc_obj_type_t core; // what stands for one: a processor, where the system does not tell of cores
};

int processor_set_count(const struct processor_set *set)
{
    int count = 0;
    for (int w = 0; w < PROCESSOR_WORDS; w++)
        count += __builtin_popcountl(set->words[w]);
    return count;
}

void machine_destroy(struct machine **machine)
{
    if (*machine && (*machine)->topology)
        hwloc_topology_destroy((*machine)->topology);
    free(*machine);
    *machine = NULL;
}

// Cores and NUMA nodes, since looking for caches and devices takes time; and not by the component that visits every processor to ask it.
static int load(hwloc_topology_t topology)
{
    if (hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED) != 0 ||
        hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_NONE) != 0 ||
        hwloc_topology_set_type_filter(topology, HWLOC_OBJ_CORE, HWLOC_TYPE_FILTER_KEEP_ALL) != 0 ||
        hwloc_topology_set_type_filter(topology, HWLOC_OBJ_GROUP, HWLOC_TYPE_FILTER_KEEP_STRUCTURE) != 0) // where NUMA nodes are
        return -1;
    hwloc_topology_set_components(topology, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86"); // which other machines have not
    return hwloc_topology_load(topology);
}

enum status machine_create(struct machine **machine)
{
    TRY(ALLOCATE(*machine, 1, "for what hwloc says of this machine"));
    struct machine *m = *machine;
    if (hwloc_topology_init(&m->topology) != 0 || load(m->topology) != 0) {
        const enum status rc = fail(STATUS_INTERNAL, "hwloc cannot tell the cores of this machine: %s", strerror(errno));
        machine_destroy(machine);
        return rc;
    }
    m->core = hwloc_get_nbobjs_by_type(m->topology, HWLOC_OBJ_CORE) > 0 ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU;
    return STATUS_OK;
}

// OpenMP may have bound this thread, its first, to a place of its own by now.
static enum status add_places(hwloc_bitmap_t bitmap)
{
    for (int place = 0; omp_get_proc_bind() != omp_proc_bind_false && place < omp_get_num_places(); place++) {
        const int count = omp_get_place_num_procs(place);
        int *numbers;
        TRY(ALLOCATE(numbers, count + 1, "for a place of %d processors", count));
        omp_get_place_proc_ids(place, numbers);
        for (int i = 0; i < count; i++)
            hwloc_bitmap_set(bitmap, (unsigned)numbers[i]);
        free(numbers);
    }
    return STATUS_OK;
}

enum status machine_bound(const struct machine *machine, struct processor_set *set)
{
    const hwloc_topology_t topology = machine->topology;
    hwloc_bitmap_t bitmap = hwloc_bitmap_alloc();
    enum status rc;
    if (!bitmap)
        return no_memory("for a set of processors");
    if (hwloc_get_cpubind(topology, bitmap, HWLOC_CPUBIND_THREAD) != 0) // a system without binding
        hwloc_bitmap_copy(bitmap, hwloc_topology_get_topology_cpuset(topology));
    TRY_OUT(add_places(bitmap));
    hwloc_bitmap_to_ulongs(bitmap, PROCESSOR_WORDS, set->words);
out:
    hwloc_bitmap_free(bitmap);
    return rc;
}

// The next object of a type that has a processor of the set; NULL: there is none.
static hwloc_obj_t next(const struct machine *machine, hwloc_const_bitmap_t bitmap, hwloc_obj_type_t type, hwloc_obj_t previous)
{
    return hwloc_get_next_obj_covering_cpuset_by_type(machine->topology, bitmap, type, previous);
}

static hwloc_bitmap_t bitmap_of(const struct processor_set *set)
{
    hwloc_bitmap_t bitmap = hwloc_bitmap_alloc();
    if (bitmap)
        hwloc_bitmap_from_ulongs(bitmap, PROCESSOR_WORDS, set->words);
    return bitmap;
}

static int count(const struct machine *machine, const struct processor_set *set, hwloc_obj_type_t type)
{
    hwloc_bitmap_t bitmap = bitmap_of(set);
    int found = 0;
    for (hwloc_obj_t object = NULL; bitmap && (object = next(machine, bitmap, type, object));)
        found++;
    hwloc_bitmap_free(bitmap);
    return found > 0 ? found : 1; // whoever asks runs on one
}

int machine_cores(const struct machine *machine, const struct processor_set *set)
{
    return count(machine, set, machine->core);
}

int machine_numa_nodes(const struct machine *machine, const struct processor_set *set)
{
    return count(machine, set, HWLOC_OBJ_NUMANODE);
}

void machine_bind(const struct machine *machine, const struct processor_set *set, int core)
{
    hwloc_bitmap_t bitmap = bitmap_of(set);
    hwloc_obj_t object = NULL;
    for (int i = 0; bitmap && i <= core && (i == 0 || object); i++)
        object = next(machine, bitmap, machine->core, object);
    if (bitmap && object)
        hwloc_bitmap_and(bitmap, bitmap, object->cpuset);
    if (bitmap && (object || core < 0))
        hwloc_set_cpubind(machine->topology, bitmap, HWLOC_CPUBIND_THREAD);
    hwloc_bitmap_free(bitmap);
}
