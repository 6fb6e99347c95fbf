// SPDX-License-Identifier: MIT
// The commands of the program. Each gets the arguments from its own name on and returns the exit code.
#pragma once

#include <stdio.h>

#include "job/job.h" // exit codes

int command_dream(int argc, char **argv); // and explain
int command_model(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_report(int argc, char **argv);

// The version of this program and of the libraries that it was compiled with and runs with. Needs no MPI_Init.
void versions_print(FILE *stream);
