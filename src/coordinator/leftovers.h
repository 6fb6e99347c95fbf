// SPDX-License-Identifier: MIT
// Files that an earlier run left under our names in the folder of a picture: they must not pass for this run's.
#ifndef ONEIROS_COORDINATOR_LEFTOVERS_H
#define ONEIROS_COORDINATOR_LEFTOVERS_H

#include <stdbool.h>

#include "common/status.h"

// Removes the files whose names are ours, but for `kept` (NULL: none is), and those aside (file_create) that a killed run left of them. A
// folder that is not there is fine.
enum status leftovers_remove(const char *folder, bool (*is_ours)(const char *name), const char *kept) MUST_CHECK;

// Those aside alone, for a picture that is gone on with.
enum status leftovers_remove_aside(const char *folder, bool (*is_ours)(const char *name)) MUST_CHECK;

#endif
