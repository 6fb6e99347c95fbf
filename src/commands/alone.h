// SPDX-License-Identifier: MIT
// Commands that are for one process, started as many by mpirun or srun: each would do the same work, over the same files.
#pragma once

#include <stdbool.h>

// Whether the launcher started several processes, as far as its environment tells.
bool alone_among_many(void);

// In each of them: the first one says that `command` is not for several, and all return the exit code. Starts MPI and ends it.
int alone_refuse(const char *command);
