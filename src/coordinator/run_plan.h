// SPDX-License-Identifier: MIT
// The plan of an earlier run: from its run file, or from a file with its text alone.
#ifndef ONEIROS_COORDINATOR_RUN_PLAN_H
#define ONEIROS_COORDINATOR_RUN_PLAN_H

#include <stddef.h>

#include "common/status.h"

// The text as malloc'ed memory. STATUS_IO, STATUS_FORMAT, or STATUS_LIMIT beyond `limit` bytes.
enum status run_plan_read(const char *path, size_t limit, char **text) MUST_CHECK;

#endif
