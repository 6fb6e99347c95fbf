// SPDX-License-Identifier: MIT
// A job over a set of pictures, under mpirun, srun or alone: rank 0 becomes the coordinator, the others workers.
#ifndef ONEIROS_COMMANDS_RUN_H
#define ONEIROS_COMMANDS_RUN_H

#include "commands/job_options.h"

// Collective over all processes of the job. Returns the exit code; whatever went wrong has been said.
int run_job(struct job_options *options);

#endif
