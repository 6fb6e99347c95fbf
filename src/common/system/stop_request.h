// SPDX-License-Identifier: MIT
// What asks the program to save and end: SIGINT, SIGTERM, SIGUSR1, SIGHUP (the terminal or its connection has gone; not where nohup has it
// ignored), and a time limit. The handler only sets a flag. A second SIGINT ends the program the ordinary way: somebody waits at a
// keyboard. The others may come twice by themselves: Slurm sends them to every process of a step, and srun and mpirun pass on what they
// get.
#pragma once

#include <signal.h>
#include <stdbool.h>

// The handlers. Before threads.
void stop_install(void);

// Of SIGHUP alone: that action, or none where the program was started with SIGHUP ignored.
void stop_on_hangup(const struct sigaction *action);

// From `deadline` of the monotonic clock on it is time to stop. For the coordinator, who tells the others. Before threads.
void stop_at(double deadline);

bool stop_requested(void);

// Why: "SIGTERM", "--max-seconds"; NULL: it is not time.
const char *stop_reason(void);

// Signals for which libraries have handlers of their own, as MPI has: what is done about them now, and that again.
enum { STOP_SIGNALS = 3 };
struct stop_handlers {
    struct sigaction of[STOP_SIGNALS];
};
void stop_handlers_save(struct stop_handlers *handlers);
void stop_handlers_restore(const struct stop_handlers *handlers);
