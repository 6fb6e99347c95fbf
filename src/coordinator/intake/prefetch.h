// SPDX-License-Identifier: MIT
// Inputs from their names to pixels, ahead of the workers and beside rank 0's loop, which never waits for a server or a disk.
//
// Downloads run many at once (common/net/downloads.h); a few threads read and decode what has come, and files. As many pictures as there
// are threads are decoded at most before somebody takes them, of large ones fewer; names and downloads, which are on disk, go further
// ahead. They are taken in the order of the inputs, so that of equal ones the first comes first; but none waits longer than two seconds for
// those before it: where one is that late whichever is ready is taken, unless who takes asks for the order in any case.
#pragma once

#include "common/config/config.h"
#include "common/wire/timing.h"
#include "coordinator/intake/intake.h"
#include "coordinator/task/checkpoint_folder.h"
#include "coordinator/task/task.h"

enum { PREFETCH_THREADS_MAX = 4 };
#define PREFETCH_DISK_BYTES (UINT64_C(4) << 30)

struct prefetch;

// For so many workers and a command, which decides on each task's job. `config`, `output`, the folder that downloads go through, and
// `checkpoints`, in which dreams are looked for that an earlier run began (NULL: there are none), stay the caller's and must outlive it.
// Nothing further is taken in while downloads hold `disk_bytes` or more. One thread at a time calls these functions.
enum status prefetch_create(struct prefetch **prefetch, enum config_use use, const struct config *config, const char *output,
                            const struct checkpoint_folder *checkpoints, int workers, uint64_t disk_bytes) MUST_CHECK;

// Whether another entry may be put in.
bool prefetch_has_room(struct prefetch *prefetch);

enum status prefetch_put(struct prefetch *prefetch, const struct intake_entry *entry) MUST_CHECK;

// A task that is loaded or has failed (its record says so), the caller's from now on; NULL while there is none. `in_order`: only the next
// one of those put in. `timing` gets what it took.
struct task *prefetch_take(struct prefetch *prefetch, bool in_order, struct timing *timing);

// How many have been put in and not been taken.
int prefetch_count(const struct prefetch *prefetch);

// Ends downloads, and whatever can be ended, soon. Returns at once.
void prefetch_stop(struct prefetch *prefetch);

// Stops, waits for what cannot be ended, and frees what has not been taken. NULL inside is fine.
void prefetch_destroy(struct prefetch **prefetch);
