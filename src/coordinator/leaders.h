// SPDX-License-Identifier: MIT
// Rank 0's side of workers that do their own reading and writing (leader.h): hands out names of images, takes rows.
#pragma once

#include <mpi.h>
#include <stdbool.h>

#include "coordinator/intake/intake.h"
#include "coordinator/task/task.h"
#include "runfile/run_file.h"

struct leaders_options {
    MPI_Comm comm;
    int first_worker, workers;
    const struct run_file_header *header;
    // The next image to be done, or neither *given nor *end while none is known, or *end. Those that cannot be taken in are not given.
    enum status (*next)(void *context, struct intake_entry *entry, bool *given, bool *end);
    // An image has come to its end; its rows are in the task, which is the receiver's.
    enum status (*ended)(void *context, struct task *task);
    void *context;
};

struct leaders;

enum status leaders_create(struct leaders **leaders, const struct leaders_options *options) MUST_CHECK;
void leaders_destroy(struct leaders **leaders); // NULL is fine

// Takes what has come, and hands images to those who want one. Does not wait.
enum status leaders_turn(struct leaders *leaders, bool *found) MUST_CHECK;

// No further image is handed out, and those in hand end with their step.
enum status leaders_stop(struct leaders *leaders) MUST_CHECK;

bool leaders_are_stopping(const struct leaders *leaders); // one of them was told to by a signal
bool leaders_have_left(const struct leaders *leaders);    // all of them
int leaders_in_flight(const struct leaders *leaders);     // images

// When they have left: an image that needs more ranks than one, as it was given; false: there is no further one.
bool leaders_take_back(struct leaders *leaders, struct intake_entry *entry);
int leaders_returned(const struct leaders *leaders); // how many are left of these

// Where a worker's time went while it led.
const struct timing *leaders_timing(const struct leaders *leaders, int worker);
