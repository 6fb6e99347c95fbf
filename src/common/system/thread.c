// SPDX-License-Identifier: MIT
#include "common/system/thread.h"

#include <signal.h>
#include <string.h>

enum status thread_start(pthread_t *thread, void *(*run)(void *), void *data)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(thread, NULL, run, data);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0 ? STATUS_OK : fail(STATUS_LIMIT, "cannot start a thread: %s", strerror(error));
}
