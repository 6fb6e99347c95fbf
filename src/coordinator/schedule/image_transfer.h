// SPDX-License-Identifier: MIT
// An image's pixels to the members of its team, each its rows (tiling_rows), and back.
#pragma once

#include <mpi.h>

#include "coordinator/schedule/baseline_images.h"
#include "coordinator/task/task.h"

// The job that a member is given.
struct job image_transfer_job(const struct task *task);

// The job and the team, to every member. task->others further pictures will come behind its own.
enum status image_transfer_offer(MPI_Comm comm, const struct task *task) MUST_CHECK;

// task->image.rgb, which is freed, behind it the other pictures, one at a time in the same memory, and at last the dream to go on with.
enum status image_transfer_send(MPI_Comm comm, struct task *task, const struct baseline_images *references) MUST_CHECK;

// The dream, into a new task->image.rgb.
enum status image_transfer_receive(MPI_Comm comm, struct task *task) MUST_CHECK;
