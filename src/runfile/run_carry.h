// SPDX-License-Identifier: MIT
// The rows of an earlier run file go over into a new one.
#pragma once

#include "runfile/run_file.h"

// In the order in which rows are written. The header is that of the new file. STATUS_FORMAT: the earlier one is none, or of another version
// or configuration.
enum status run_carry(struct run_file *file, const struct run_file_header *header, const struct run_earlier *earlier) MUST_CHECK;
