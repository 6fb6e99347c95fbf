// SPDX-License-Identifier: MIT
#include "coordinator/task.h"

#include <stdio.h>
#include <stdlib.h>

struct task *task_create(void)
{
    struct task *task = calloc(1, sizeof *task);
    if (task) {
        task->record.rank = -1;
        image_record_unknown(&task->record);
    }
    return task;
}

void earlier_destroy(struct earlier *earlier)
{
    checkpoint_destroy(&earlier->checkpoint);
    free(earlier->memory);
    *earlier = (struct earlier){0};
}

void task_destroy(struct task **task)
{
    if (!*task)
        return;
    image_destroy(&(*task)->image);
    free((*task)->team);
    output_abandon(&(*task)->output);
    findings_destroy(&(*task)->findings);
    earlier_destroy(&(*task)->earlier);
    free(*task);
    *task = NULL;
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
