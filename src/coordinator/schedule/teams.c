// SPDX-License-Identifier: MIT
#include "coordinator/schedule/teams.h"

#include <assert.h>
#include <stdlib.h>

enum status teams_create(struct teams *teams, const struct schedule *schedule, int first_worker)
{
    *teams = (struct teams){.schedule = schedule, .first_worker = first_worker, .free_workers = schedule->workers};
    return ALLOCATE(teams->busy, schedule->workers, "for the coordinator");
}

void teams_destroy(struct teams *teams)
{
    for (int w = 0; teams->busy && w < teams->schedule->workers; w++) {
        struct task *task = teams->busy[w];
        if (task) {
            teams_release(teams, task);
            task_destroy(&task);
        }
    }
    free(teams->busy);
    *teams = (struct teams){0};
}

struct task *teams_task(const struct teams *teams, int rank)
{
    struct task *task = teams->busy[rank - teams->first_worker];
    assert(task); // only who has an image reports
    return task;
}

enum status teams_choose(const struct teams *teams, const struct task_queue *ready, int64_t coming, int *members)
{
    enum { LOOK = 256 }; // images; more than that are many
    const struct schedule *schedule = teams->schedule;
    struct schedule_image waiting[LOOK];
    int count = 0;
    double *busy;
    TRY(ALLOCATE(busy, schedule->workers, "for the coordinator"));
    for (int w = 0; w < schedule->workers; w++) {
        const struct task *task = teams->busy[w];
        busy[w] = task ? task->cost * (task->work > 0 ? 1 - (task->work_done + task->part) / task->work : 0) : 0;
        if (task && busy[w] <= 0)
            busy[w] = 1; // nearly done
    }
    for (const struct task *task = ready->first; task && count < LOOK; task = task->next)
        waiting[count++] = task_size(task);
    *members = schedule_team(
        schedule, &(struct schedule_state){
                      .busy = busy, .waiting = waiting, .waiting_count = count, .coming = coming < 0 ? -1 : coming + ready->count - count});
    free(busy);
    assert(*members > 0); // what fits no team was refused
    return STATUS_OK;
}

enum status teams_assign(struct teams *teams, struct task *task, int members)
{
    TRY(ALLOCATE(task->team, members, "for a team"));
    for (int w = 0, m = 0; m < members; w++)
        if (!teams->busy[w]) {
            teams->busy[w] = task;
            task->team[m++] = teams->first_worker + w;
        }
    teams->free_workers -= members;
    teams->count++;
    task->record.rank = task->team[0];
    task->record.team = members;
    return schedule_cost(teams->schedule, task_size(task), members, &task->cost);
}

void teams_release(struct teams *teams, const struct task *task)
{
    for (int m = 0; m < task->record.team; m++)
        teams->busy[task->team[m] - teams->first_worker] = NULL;
    teams->free_workers += task->record.team;
    teams->count--;
}

struct schedule_image task_size(const struct task *task)
{
    return (struct schedule_image){task->image.width, task->image.height, task->job == JOB_EXPLAIN || task->job == JOB_SCAN};
}
