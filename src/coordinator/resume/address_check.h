// SPDX-License-Identifier: MIT
// Whether a run that goes on knows its addresses again (intake/address.h). Without the key of their digests, or with another one, all are
// fetched once more and stand beside the old ones, which nobody would notice but by the names of folders.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "runfile/run_images.h"

// Zeroed: nothing is seen yet.
struct address_check {
    int64_t hidden, known; // inputs of which something is hidden; those that the earlier run has, too
    bool alike;            // one that it has not looks as one of its, but for the digest
};

// An input, as it is shown, and whether the earlier run has it.
void address_check_see(struct address_check *check, const struct run_images *past, const char *shown, bool known);

// When all are seen: warns where none is known and that is strange. `output`: the folder of the run.
void address_check_warn(const struct address_check *check, const struct run_images *past, const char *output);
