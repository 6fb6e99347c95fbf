// SPDX-License-Identifier: MIT
// What rank 0 and the workers that read and write pictures by themselves say to each other about one of these (common/wire/messages.h).
#pragma once

#include <stdint.h>

#include "coordinator/intake/intake.h"
#include "coordinator/task/task.h"

enum { DELEGATED_MAX = 2 }; // images that a worker has at a time: one is dreamed while the next one is read

// MESSAGE_READ: a picture to be read, dreamed and written. It is sent as far as the NUL of its source: a short message arrives at once.
size_t delegated_bytes(const struct intake_entry *entry);
enum status delegated_receive(struct intake_entry *entry, MPI_Comm comm) MUST_CHECK;

// MESSAGE_RETURNED: a picture that was not begun.
struct returned {
    int64_t image;    // id; -1: none, but a signal has come
    int32_t stopping; // the reason is a signal; otherwise the picture needs more ranks than one
};

// MESSAGE_ROWS: an image that has come to its end as bytes, malloc'ed, and back into an empty task. `channels` [targets]: of each target's
// layer. STATUS_LIMIT: they are more than one message can hold.
enum status rows_pack(const struct task *task, const int *channels, int targets, void **bytes, size_t *size) MUST_CHECK;
enum status rows_unpack(struct task *task, const int *channels, int targets, const void *bytes, size_t size) MUST_CHECK;
