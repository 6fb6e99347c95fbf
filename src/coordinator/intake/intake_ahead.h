// SPDX-License-Identifier: MIT
// Looks ahead in the intake in a thread of its own, so that nobody waits for a slow folder or list, and the number of images is known soon.
// Holds at most some megabytes of entries: a list of a million starts at once, and is counted when its end comes near.
#pragma once

#include "coordinator/intake/intake.h"

struct intake_ahead;

// `intake` stays the caller's and outlives *ahead; nobody else takes from it.
enum status intake_ahead_create(struct intake_ahead **ahead, struct intake *intake) MUST_CHECK;

// Waits until the thread has ended, which it does between two entries.
void intake_ahead_destroy(struct intake_ahead **ahead);

// The next entry, or neither *given nor *end while none has been read, or *end. Does not wait. Fails as intake_next(), in its turn.
enum status intake_ahead_next(struct intake_ahead *ahead, struct intake_entry *entry, bool *given, bool *end) MUST_CHECK;

// How many entries there are in all, those taken included; -1 while the end has not been seen.
int64_t intake_ahead_total(struct intake_ahead *ahead);
