// SPDX-License-Identifier: MIT
// LD_PRELOAD=...: a process that crashes inside MPI_Init, in its PMIx fence of the number CRASH_FENCE_NUMBER, as one does that gets a
// message before it knows who takes it: by a call of address nil.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef void callback(int status, void *context);
typedef int fence_nb(const void *processes, size_t count, const void *information, size_t information_count, callback *done, void *context);

fence_nb PMIx_Fence_nb;

int PMIx_Fence_nb(const void *processes, size_t count, const void *information, size_t information_count, callback *done, void *context)
{
    static int calls;
    void *symbol = dlsym(RTLD_NEXT, "PMIx_Fence_nb");
    fence_nb *fence;
    memcpy(&fence, &symbol, sizeof fence);
    if (++calls == atoi(getenv("CRASH_FENCE_NUMBER"))) {
        fence_nb *volatile nobody = NULL;
        fence = nobody;
    }
    return fence(processes, count, information, information_count, done, context);
}
