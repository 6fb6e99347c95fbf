// SPDX-License-Identifier: MIT
#include "coordinator/task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct task *task_create(void)
{
    struct task *task = calloc(1, sizeof *task);
    if (task) {
        task->record.rank = -1;
        task->record.redundancy = NAN;
        task->record.before = task->record.after = picture_metrics_unknown();
    }
    return task;
}

void task_destroy(struct task **task)
{
    if (!*task)
        return;
    image_destroy(&(*task)->image);
    for (int i = 0; i < (*task)->other_count; i++)
        image_destroy(&(*task)->others[i]);
    free((*task)->team);
    free((*task)->steps);
    findings_destroy(&(*task)->findings);
    free(*task);
    *task = NULL;
}

enum status task_add_step(struct task *task, const struct step_record *step)
{
    if (task->step_count == task->step_capacity) {
        const size_t capacity = task->step_capacity ? 2 * task->step_capacity : 64;
        struct step_record *grown = realloc(task->steps, capacity * sizeof *grown);
        if (!grown)
            return fail(STATUS_LIMIT, "no memory for the steps of %s", task->record.source);
        task->steps = grown;
        task->step_capacity = capacity;
    }
    task->steps[task->step_count++] = *step;
    return STATUS_OK;
}

struct schedule_image task_size(const struct task *task)
{
    return (struct schedule_image){task->image.width, task->image.height};
}

void task_failed(struct task *task)
{
    task->record.status = IMAGE_FAILED;
    snprintf(task->record.error, sizeof task->record.error, "%s", status_message());
}
