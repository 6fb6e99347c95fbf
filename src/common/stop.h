// SPDX-License-Identifier: MIT
// Signals that ask the program to save and end: SIGINT, SIGTERM, SIGUSR1. The handler only sets a flag; a second signal ends the program
// the ordinary way.
#ifndef ONEIROS_COMMON_STOP_H
#define ONEIROS_COMMON_STOP_H

#include <stdbool.h>

void stop_install(void);
bool stop_requested(void);

#endif
