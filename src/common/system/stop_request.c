// SPDX-License-Identifier: MIT
#include "common/system/stop_request.h"

#include <signal.h>
#include <stddef.h>

#include "common/system/clock.h"

static volatile sig_atomic_t requested;
static double deadline; // of the monotonic clock; 0: none

static void on_signal(int number)
{
    (void)number;
    requested = 1;
}

void stop_install(double limit)
{
    deadline = limit;
    // Waits end early all the same; reads and writes of libraries that do not expect it, as while MPI starts, do not fail.
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    action.sa_flags |= (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
}

bool stop_requested(void)
{
    return requested != 0 || (deadline > 0 && now() >= deadline);
}
