// SPDX-License-Identifier: MIT
// Looks ahead in the intake while the workers work, so that the number of images is known soon. Holds at most some megabytes of entries:
// a list of a million starts at once, and is counted when its end comes near.
#ifndef ONEIROS_COORDINATOR_INTAKE_AHEAD_H
#define ONEIROS_COORDINATOR_INTAKE_AHEAD_H

#include "coordinator/intake.h"

struct intake_ahead;

// `intake` stays the caller's and outlives *ahead; nobody else takes from it.
enum status intake_ahead_create(struct intake_ahead **ahead, struct intake *intake) MUST_CHECK;
void intake_ahead_destroy(struct intake_ahead **ahead);

// Reads up to `count` further entries, if there is room for them. *more: there may be something left to read, and room.
enum status intake_ahead_look(struct intake_ahead *ahead, int count, bool *more) MUST_CHECK;

// The next entry, or *end: as intake_next().
enum status intake_ahead_next(struct intake_ahead *ahead, struct intake_entry *entry, bool *end) MUST_CHECK;

// How many entries there are in all, those taken included; -1 while the end has not been seen.
int64_t intake_ahead_total(const struct intake_ahead *ahead);

#endif
