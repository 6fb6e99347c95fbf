// SPDX-License-Identifier: MIT
#include "common/system/huge_pages.h"

#include <stdlib.h>
#include <sys/mman.h>

void *huge_pages_alloc(size_t bytes)
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
