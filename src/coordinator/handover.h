// SPDX-License-Identifier: MIT
// An image's pixels to the members of its team, each its rows (tiling_rows), and back.
#ifndef ONEIROS_COORDINATOR_HANDOVER_H
#define ONEIROS_COORDINATOR_HANDOVER_H

#include <mpi.h>

#include "coordinator/references.h"
#include "coordinator/task.h"

// The job, of this kind, and the team, to every member. task->others further pictures will come behind its own.
enum status handover_offer(MPI_Comm comm, const struct task *task, enum job_kind kind) MUST_CHECK;

// task->image.rgb, which is freed, behind it the other pictures, one at a time in the same memory, and at last the dream to go on with.
enum status handover_send(MPI_Comm comm, struct task *task, const struct references *references) MUST_CHECK;

// The dream, into a new task->image.rgb.
enum status handover_receive(MPI_Comm comm, struct task *task) MUST_CHECK;

// Bytes of the pixels that move one way.
int64_t handover_bytes(const struct task *task);

#endif
