// SPDX-License-Identifier: MIT
// Where the outputs of one image are written: what takes time, done in its order on a thread of its own, so that rank 0's loop never waits
// for an encoder or a disk (only for room, when work comes faster than it is done).
#ifndef ONEIROS_COORDINATOR_DESK_H
#define ONEIROS_COORDINATOR_DESK_H

#include <stdbool.h>

#include "common/status.h"

struct desk_work {
    enum status (*run)(void *data); // on the desk's thread; not called once anything before it has failed
    void (*destroy)(void *data);    // on either thread, in any case, after run()
    void *data;
};

struct desk;

// On failure *desk is NULL.
enum status desk_create(struct desk **desk) MUST_CHECK;

// A few works wait at most: when that many do, it blocks until there is room.
void desk_put(struct desk *desk, const struct desk_work *work);

// Whether there is room: desk_put() will not block.
bool desk_has_room(struct desk *desk);

// No more work will come. Returns at once; what is there goes on.
void desk_end(struct desk *desk);

// Whether all is done after desk_end(): desk_finish() does not wait any more.
bool desk_is_done(struct desk *desk);

// Waits until all is done, and frees the desk in any case. Returns the first failure of any work. *seconds: that all of it took; NULL is
// fine.
enum status desk_finish(struct desk **desk, double *seconds) MUST_CHECK;

// What has not begun is not done any more. Waits for what has. NULL is fine.
void desk_abandon(struct desk **desk);

#endif
