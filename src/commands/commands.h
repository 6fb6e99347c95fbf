// SPDX-License-Identifier: MIT
// The commands of the program. Each gets the arguments from its own name on and returns the exit code.
#ifndef ONEIROS_COMMANDS_COMMANDS_H
#define ONEIROS_COMMANDS_COMMANDS_H

#include "common/status.h"

// Exit codes, stable for scripts.
enum {
    EXIT_ALL_DONE = 0,
    EXIT_INTERNAL = 1,
    EXIT_USAGE = 2,       // command line or configuration
    EXIT_SOME_FAILED = 3, // some images failed, the others are complete
    EXIT_STOPPED = 75,    // stopped by a signal (EX_TEMPFAIL: run again)
};

// The exit code for a status.
int exit_code(enum status rc);

int command_dream(int argc, char **argv); // and explain
int command_model(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_report(int argc, char **argv);

#endif
