// SPDX-License-Identifier: MIT
// The rows of an earlier run file, as a new one takes them over.
#pragma once

#include "runfile/run_file.h"

// In the order in which rows are written; not its summary. STATUS_FORMAT: the earlier file is none, or of another version or configuration.
enum status run_carry_over(struct run_file *file, const struct run_file_header *header, const struct run_earlier *earlier) MUST_CHECK;
