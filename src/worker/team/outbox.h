// SPDX-License-Identifier: MIT
// What a member sends to the coordinator about the image in hand besides its pixels, while it goes on working: reports, and parts of arrays
// (struct array_part).
#pragma once

#include <mpi.h>
#include <stdint.h>

#include "common/wire/messages.h"

enum { OUTBOX_MAX = 4 };

struct outbox {
    MPI_Comm comm;
    int64_t sent; // parts, ever
    struct outbox_slot {
        union {
            struct report report;
            struct array_part part;
        };
        float *values;           // of the part
        MPI_Request requests[2]; // MPI_REQUEST_NULL: done
    } slots[OUTBOX_MAX];         // a ring
    int first, waiting;
};

void outbox_init(struct outbox *outbox, MPI_Comm comm);

// Begins to send a part; `values` [channels * rows * columns], malloc'ed, are freed when they are gone, at once on failure. Parts that hold
// nothing are left out. Waits where OUTBOX_MAX parts are under way.
enum status outbox_send(struct outbox *outbox, const struct array_part *part, float *values) MUST_CHECK;

// Begins to send a report. Waits as outbox_send() does.
enum status outbox_report(struct outbox *outbox, const struct report *report) MUST_CHECK;

// Keeps what is under way moving.
enum status outbox_progress(struct outbox *outbox) MUST_CHECK;

// Waits until all has left.
enum status outbox_flush(struct outbox *outbox) MUST_CHECK;
