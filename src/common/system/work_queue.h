// SPDX-License-Identifier: MIT
// Where the outputs of one image are written: what takes time, done in its order on a thread of its own, so that rank 0's loop never waits
// for an encoder or a disk (only for room, when work comes faster than it is done).
#pragma once

#include <stdbool.h>

#include "common/system/status.h"

struct work {
    enum status (*run)(void *data); // on the queue's thread; not called once anything before it has failed
    void (*destroy)(void *data);    // on either thread, in any case, after run()
    void *data;
};

struct work_queue;

// On failure *queue is NULL.
enum status work_queue_create(struct work_queue **queue) MUST_CHECK;

// A few works wait at most: when that many do, it blocks until there is room.
void work_queue_put(struct work_queue *queue, const struct work *work);

// Whether there is room: work_queue_put() will not block.
bool work_queue_has_room(struct work_queue *queue);

// No more work will come. Returns at once; what is there goes on.
void work_queue_end(struct work_queue *queue);

// Whether all is done after work_queue_end(): work_queue_finish() does not wait any more.
bool work_queue_is_done(struct work_queue *queue);

// Waits until all is done, and frees the queue in any case. Returns the first failure of any work. *seconds: that all of it took; NULL is
// fine.
enum status work_queue_finish(struct work_queue **queue, double *seconds) MUST_CHECK;

// What has not begun is not done any more. Waits for what has. NULL is fine.
void work_queue_abandon(struct work_queue **queue);
