// SPDX-License-Identifier: MIT
// A worker's own small coordinator: reads the pictures that rank 0 leaves to this process (delegation.h), has its worker dream them, by
// calls, writes what comes of them, and sends rank 0 the rows.
#pragma once

#include "coordinator/coordinator.h"

// Serves options->here until it is told to leave, and adds to its timing what is not the worker's own. The schedule is for one worker.
enum status delegate_run(const struct coordinator_options *options) MUST_CHECK;
