// SPDX-License-Identifier: MIT
#include "common/system/stop_request.h"

#include <stddef.h>

#include "common/system/clock.h"

static volatile sig_atomic_t requested; // the signal; 0: none
static double deadline;                 // of the monotonic clock; 0: none

// SIGINT is not among them: one that came has the ordinary way back.
static const int kept[STOP_SIGNALS] = {SIGTERM, SIGUSR1, SIGHUP};

static void on_signal(int number)
{
    requested = number;
}

// Whether nohup, or whoever else started the program, has SIGHUP ignored. Asked before all libraries begin: by main(), UCX, which comes
// with MPICH and with Open MPI 5, has taken SIGHUP for its debugger.
static bool hangup_ignored;

static void ask_for_hangup(void)
{
    struct sigaction action;
    hangup_ignored = sigaction(SIGHUP, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

__attribute__((section(".preinit_array"), used)) static void (*before_libraries)(void) = ask_for_hangup;

void stop_on_hangup(const struct sigaction *action)
{
    const struct sigaction ignored = {.sa_handler = SIG_IGN};
    sigaction(SIGHUP, hangup_ignored ? &ignored : action, NULL);
}

void stop_at(double limit)
{
    deadline = limit;
}

void stop_install(void)
{
    // Waits end early all the same; reads and writes of libraries that do not expect it, as while MPI starts, do not fail.
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    stop_on_hangup(&action);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    action.sa_flags |= (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
}

bool stop_requested(void)
{
    return requested != 0 || (deadline > 0 && now() >= deadline);
}

const char *stop_reason(void)
{
    switch (requested) {
    case SIGINT:
        return "SIGINT";
    case SIGTERM:
        return "SIGTERM";
    case SIGUSR1:
        return "SIGUSR1";
    case SIGHUP:
        return "SIGHUP";
    default:
        return stop_requested() ? "--max-seconds" : NULL;
    }
}

void stop_handlers_save(struct stop_handlers *handlers)
{
    for (int i = 0; i < STOP_SIGNALS; i++)
        sigaction(kept[i], NULL, &handlers->of[i]);
}

void stop_handlers_restore(const struct stop_handlers *handlers)
{
    for (int i = 0; i < STOP_SIGNALS; i++)
        sigaction(kept[i], &handlers->of[i], NULL);
}
