// SPDX-License-Identifier: MIT
// Pictures that rank 0 leaves to workers whole, reading and writing too (delegate.c): it hands out their names and takes their rows, so
// that what it does for a picture does not grow with its pixels.
#pragma once

#include <mpi.h>
#include <stdbool.h>

#include "common/wire/pending_sends.h"
#include "coordinator/intake/intake.h"
#include "coordinator/task/task.h"
#include "runfile/run_file.h"

struct delegation_options {
    MPI_Comm comm;
    int first_worker, workers;
    const struct run_file_header *header;
    // The next image to be done, or neither *given nor *end while none is known, or *end. Those that cannot be taken in are not given.
    enum status (*next)(void *context, struct intake_entry *entry, bool *given, bool *end);
    // An image has come to its end; the task, with its rows, is the receiver's.
    enum status (*ended)(void *context, struct task *task);
    void *context;
};

struct delegation {
    bool stopping;      // nothing more is handed out: the owner says so, or a worker
    int in_flight;      // images
    int returned_count; // images to take back

    // Its own.
    struct delegation_options options;
    struct pending_sends sends;
    struct held_entries *given; // [workers] in hand; of a long list only these are kept
    int *held;                  // [workers] how many
    int next;                   // worker, whose turn it is
    struct held_entries returned;
    bool all_given;
};

// On failure *delegation is NULL.
enum status delegation_create(struct delegation **delegation, const struct delegation_options *options) MUST_CHECK;
void delegation_destroy(struct delegation **delegation); // NULL is fine

// Takes what has come from the workers and gives them images. Does not wait.
enum status delegation_turn(struct delegation *delegation, bool *found) MUST_CHECK;

bool delegation_is_over(const struct delegation *delegation);     // none is in flight, and none will be
bool delegation_is_complete(const struct delegation *delegation); // all that there were have come to their end

// Once it is over: an image that was returned, as it was given; false: there is no further one.
bool delegation_take_back(struct delegation *delegation, struct intake_entry *entry);
