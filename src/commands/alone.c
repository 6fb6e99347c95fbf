// SPDX-License-Identifier: MIT
#include "commands/alone.h"

#include "common/system/log.h"
#include "job/job.h"
#include "job/launch.h"

bool alone_among_many(void)
{
    return launch_started() > 1;
}

// They meet before they end, where they can: mpirun ends all as soon as one has another exit code than 0, also the first before it has
// spoken.
int alone_refuse(const char *command)
{
    struct launch launch = {.comm = MPI_COMM_NULL};
    const bool first = launch_is_first();
    const int started = launch_started();
    const enum status met = launch_start(&launch);
    if (first)
        log_error("`oneiros %s` is for one process, and %d were started: start it without mpirun or srun", command, started);
    if ((met == STATUS_OK || launch.agreed) && launch_end(&launch) != STATUS_OK)
        log_error("%s", status_message());
    return EXIT_USAGE;
}
