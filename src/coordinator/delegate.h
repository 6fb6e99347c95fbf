// SPDX-License-Identifier: MIT
// A worker's own small coordinator: reads the pictures that rank 0 leaves to this process (delegation.h), has its worker dream them, by
// calls, writes what comes of them, and sends rank 0 the rows.
#pragma once

#include "common/wire/lead.h"
#include "coordinator/coordinator.h"

// `serve` is the worker, which takes its jobs from `lead` until it is told to leave. options->schedule: for one worker. *timing: where the
// time went that is not the worker's own.
enum status delegate_run(const struct coordinator_options *options, enum status (*serve)(void *worker, const struct lead *lead),
                         void *worker, struct timing *timing) MUST_CHECK;
