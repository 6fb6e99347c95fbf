// SPDX-License-Identifier: MIT
#include "coordinator/task/task.h"

#include <stdio.h>
#include <stdlib.h>

struct task *task_create(void)
{
    struct task *task = calloc(1, sizeof *task);
    if (task) {
        task->record.rank = -1;
        image_row_unknown(&task->record);
    }
    return task;
}

void task_destroy(struct task **task)
{
    if (!*task)
        return;
    image_destroy(&(*task)->image);
    free((*task)->team);
    output_abandon(&(*task)->output);
    task_results_destroy(&(*task)->results);
    checkpoint_destroy(&(*task)->earlier);
    free(*task);
    *task = NULL;
}

int64_t task_pixel_bytes(const struct task *task)
{
    return (int64_t)(3 * sizeof(float)) * task->image.width * task->image.height;
}

void task_failed(struct task *task)
{
    task->record.status = IMAGE_FAILED;
    snprintf(task->record.error, sizeof task->record.error, "%s", status_message());
}
