// SPDX-License-Identifier: MIT
// What a member tells whoever leads it about the image in hand besides its pixels, while it goes on working: reports, and parts of arrays
// (struct array_part).
#pragma once

#include <mpi.h>
#include <stdint.h>

#include "common/wire/lead.h"
#include "common/wire/pending_sends.h"

enum { OUTBOX_MAX = 8 }; // messages under way, two a part

// Zeroed but for one of the two, it is empty.
struct outbox {
    const struct lead *lead; // takes all, by calls; NULL: rank 0 of `comm` does, by messages
    MPI_Comm comm;
    struct pending_sends sends;
    int64_t sent; // parts, ever, by messages
};

// Begins to send a part; `values` [channels * rows * columns], malloc'ed, are freed when they are gone, at once on failure. Parts that hold
// nothing are left out. Waits where OUTBOX_MAX messages are under way.
enum status outbox_send(struct outbox *outbox, const struct array_part *part, float *values) MUST_CHECK;

// Begins to send a report. Waits as outbox_send() does.
enum status outbox_report(struct outbox *outbox, const struct report *report) MUST_CHECK;

// Keeps what is under way moving.
enum status outbox_progress(struct outbox *outbox) MUST_CHECK;

// Waits until all has left.
enum status outbox_flush(struct outbox *outbox) MUST_CHECK;
