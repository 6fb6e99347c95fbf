// SPDX-License-Identifier: MIT
// The plan of an earlier run: from its run file, or from a file with its text alone.
#pragma once

#include <stddef.h>

#include "common/system/status.h"

// The text as malloc'ed memory. STATUS_IO, STATUS_FORMAT, or STATUS_LIMIT beyond `limit` bytes.
enum status run_plan_read(const char *path, size_t limit, char **text) MUST_CHECK;
