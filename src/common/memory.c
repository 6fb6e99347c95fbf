// SPDX-License-Identifier: MIT
#include "common/memory.h"

#include <stdlib.h>
#include <sys/mman.h>

void *memory_large(size_t bytes)
{
    enum { LINE = 64, HUGE = 2 << 20 };
    const size_t alignment = bytes >= HUGE ? HUGE : LINE;
    void *memory;
    if (posix_memalign(&memory, alignment, bytes ? bytes : 1) != 0)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (alignment == HUGE)
        (void)madvise(memory, bytes, MADV_HUGEPAGE); // a wish
#endif
    return memory;
}
