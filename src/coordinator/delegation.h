// SPDX-License-Identifier: MIT
// Pictures that rank 0 leaves to workers whole, reading and writing too (delegate.c): it hands out their names and takes their rows, so
// that what it does for a picture does not grow with its pixels.
#pragma once

#include <mpi.h>
#include <stdbool.h>

#include "common/wire/pending_sends.h"
#include "coordinator/intake/intake.h"
#include "coordinator/same_images.h"
#include "coordinator/task/task.h"
#include "runfile/run_file.h"

// What the two say to each other about a picture (common/wire/messages.h).

enum { DELEGATED_MAX = 2 }; // images that a worker has at a time: one is dreamed while the next one is read

// MESSAGE_READ: a picture to be read, dreamed and written. It is sent as far as the NUL of its source: a short message arrives at once.
enum status delegated_receive(struct intake_entry *entry, MPI_Comm comm) MUST_CHECK;

// MESSAGE_ASK: struct image_row, of a picture that was read and may be dreamed. MESSAGE_ANSWER to it; each worker asks for one at a time.
struct answer {
    int64_t image; // id
    int32_t dream; // 0: another one of the same bytes is dreamed; this one is out of the worker's hands
};

// MESSAGE_RETURNED: a picture that was not begun.
struct returned {
    int64_t image;    // id; -1: none, but a signal has come
    int32_t stopping; // the reason is a signal; otherwise the picture needs more ranks than one
};

// MESSAGE_ROWS: an image that has come to its end as bytes, malloc'ed. `channels` [targets]: of each target's layer. STATUS_LIMIT: they are
// more than one message can hold.
enum status rows_pack(const struct task *task, const int *channels, int targets, void **bytes, size_t *size) MUST_CHECK;

// Rank 0's side.
struct delegation_options {
    MPI_Comm comm;
    int first_worker, workers;
    const struct run_file_header *header;
    // The next image to be done, or neither *given nor *end while none is known, or *end. Those that cannot be taken in are not given.
    enum status (*next)(void *context, struct intake_entry *entry, bool *given, bool *end);
    struct same_images *same; // is asked before an image is dreamed; NULL: all are
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
    int64_t given_count; // images, so far
    struct question {
        struct image_row row;
        struct held_entry *entry; // in `given`; NULL: this worker has not asked
        double since;
    } * questions; // [workers]
    int question_count;
    bool all_given;
};

// On failure *delegation is NULL.
enum status delegation_create(struct delegation **delegation, const struct delegation_options *options) MUST_CHECK;
void delegation_destroy(struct delegation **delegation); // NULL is fine

// Takes what has come from the workers and gives them images; *found becomes true if there was something to do. Does not wait.
enum status delegation_turn(struct delegation *delegation, bool *found) MUST_CHECK;

bool delegation_is_over(const struct delegation *delegation);     // none is in flight, and none will be
bool delegation_is_complete(const struct delegation *delegation); // all that there were have come to their end

// Once it is over: an image that was returned, as it was given; false: there is no further one.
bool delegation_take_back(struct delegation *delegation, struct intake_entry *entry);
