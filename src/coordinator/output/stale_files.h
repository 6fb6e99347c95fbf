// SPDX-License-Identifier: MIT
// Files that an earlier run left under our names in the folder of a picture: they must not pass for this run's.
#pragma once

#include <stdbool.h>

#include "common/system/status.h"

typedef bool (*stale_files_keep)(void *context, const char *name);

// Removes the files whose names match `names`, an extended regular expression, but for those to `keep` (NULL: none), and those aside
// (file_create) that a killed run left of them. A folder that is not there is fine.
enum status stale_files_remove(const char *folder, const char *names, stale_files_keep keep, void *context) MUST_CHECK;

// Those aside alone, for a picture that is gone on with.
enum status stale_files_remove_aside(const char *folder, const char *names) MUST_CHECK;
