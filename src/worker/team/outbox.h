// SPDX-License-Identifier: MIT
// What a member tells whoever leads it about the image in hand besides its pixels, while it goes on working: reports, and parts of arrays
// (struct array_part). Everything about a part is given but its place in the whole array.
#pragma once

#include <mpi.h>
#include <stdint.h>

#include "common/wire/lead.h"
#include "common/wire/pending_sends.h"
#include "worker/team/slab.h"

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

// The part that this member's rows of the first planes of a slab are: (channels, rows, width).
struct array_part array_part_rows(struct array_part part, const struct slab *slab, int channels);

// Sends a copy of them.
enum status outbox_send_rows(struct outbox *outbox, struct array_part part, const struct slab *slab, int channels) MUST_CHECK;

// Sends a copy of all of an array, (channels, height, width): for one that every member has, from one of them.
enum status outbox_send_whole(struct outbox *outbox, struct array_part part, int channels, int height, int width,
                              const float *values) MUST_CHECK;

// Begins to send a report. Waits as outbox_send() does.
enum status outbox_report(struct outbox *outbox, const struct report *report) MUST_CHECK;

// Keeps what is under way moving.
enum status outbox_progress(struct outbox *outbox) MUST_CHECK;

// Waits until all has left.
enum status outbox_flush(struct outbox *outbox) MUST_CHECK;
