// SPDX-License-Identifier: MIT
#include "common/memory.h"

#include <stdlib.h>
#include <sys/mman.h>

void *memory_large(size_t bytes)
{
    enum { LINE = 64, HUGE = 2 << 20 };
    const size_t alignment = bytes >= 4 * (size_t)HUGE ? HUGE : LINE; // rounding up adds a quarter at most
    void *memory = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
#ifdef MADV_HUGEPAGE
    if (memory && alignment == HUGE)
        (void)madvise(memory, (bytes + alignment - 1) / alignment * alignment, MADV_HUGEPAGE); // a wish
#endif
    return memory;
}
