// SPDX-License-Identifier: MIT
// What asks the program to save and end: SIGINT, SIGTERM, SIGUSR1, and a time limit, since signals do not reach every rank under every
// launcher. The handler only sets a flag. A second SIGINT ends the program the ordinary way: somebody waits at a keyboard. The others may
// come twice by themselves: Slurm sends them to every process of a step, and srun and mpirun pass on what they get.
#pragma once

#include <stdbool.h>

// From `deadline` of the monotonic clock on it is time to stop; 0: there is none. Before threads.
void stop_install(double deadline);
bool stop_requested(void);
