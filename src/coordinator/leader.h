// SPDX-License-Identifier: MIT
// A worker's own small coordinator: reads images that rank 0 names, has the worker beside it dream them, writes what comes of them, and
// sends rank 0 the rows. So what rank 0 does for an image does not grow with its pixels.
#pragma once

#include "coordinator/coordinator.h"

// Returns when rank 0 has no further image. `local`: of this process alone, over which the worker, in another thread, takes its jobs;
// it is told to leave at the end. options->schedule: for one worker.
enum status leader_run(const struct coordinator_options *options, MPI_Comm local) MUST_CHECK;
