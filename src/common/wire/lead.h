// SPDX-License-Identifier: MIT
// What a worker has of whoever leads it from inside its own process: by calls what messages.h says by messages. Nothing is copied that can
// change hands. All calls come from the worker's thread, and the lead uses them to go on with its own work.
#pragma once

#include <stdbool.h>

#include "common/wire/messages.h"

struct lead {
    // Waits for the next job. *called: it goes by the calls below; otherwise it is one of rank 0's, which go by messages, or JOB_EXIT.
    enum status (*next)(void *context, struct job *job, bool *called);
    // The job's picture number `number` into values (3, height, width): itself, then the others, then the dream to go
    // on with; or, of a frame, all of what follows (struct frame_job).
    enum status (*pixels)(void *context, int number, float *values);
    enum status (*report)(void *context, const struct report *report);                 // REPORT_STEP, REPORT_PART, REPORT_BEFORE
    enum status (*array)(void *context, const struct array_part *part, float *values); // takes `values`, in any case
    enum status (*turn)(void *context);                                                // called often while the worker is at it
    enum status (*end)(void *context, const struct result *result, float *rgb);        // takes `rgb`, the dream, or NULL
    void *context;
};
