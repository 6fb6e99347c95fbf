// SPDX-License-Identifier: MIT
// Which worker has which image in hand, and how many get the next one.
#pragma once

#include "coordinator/schedule/schedule.h"
#include "coordinator/task/task.h"

struct teams {
    const struct schedule *schedule;
    int first_worker;   // rank
    struct task **busy; // [schedule->workers] what each has in hand; members of a team share it
    int free_workers;   // that have none
    int count;          // images in hand
};

enum status teams_create(struct teams *teams, const struct schedule *schedule, int first_worker) MUST_CHECK;
void teams_destroy(struct teams *teams); // and the tasks in hand

// The task of the worker with this rank, which has one.
struct task *teams_task(const struct teams *teams, int rank);

// Ranks for the first image that is ready, more than are free if it had better wait. `coming`: images that are not ready yet; -1: unknown.
enum status teams_choose(const struct teams *teams, const struct task_queue *ready, int64_t coming, int *members) MUST_CHECK;

// Gives the task to the first `members` free workers: its team, rank and cost are set.
enum status teams_assign(struct teams *teams, struct task *task, int members) MUST_CHECK;

// Its workers are free again; the task is the caller's.
void teams_release(struct teams *teams, const struct task *task);

// Pixels of its image, for the schedule.
struct schedule_image task_size(const struct task *task);
