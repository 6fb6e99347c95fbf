// SPDX-License-Identifier: MIT
#include "coordinator/task/task_queue.h"

void task_queue_put(struct task_queue *ready, struct task *task)
{
    struct task **at = &ready->first;
    while (*at && (*at)->work >= task->work)
        at = &(*at)->next;
    task->next = *at;
    *at = task;
    ready->count++;
    ready->bytes += (double)task_pixel_bytes(task);
}

struct task *task_queue_take(struct task_queue *ready)
{
    struct task *task = ready->first;
    if (!task)
        return NULL;
    ready->first = task->next;
    ready->count--;
    ready->bytes -= (double)task_pixel_bytes(task);
    task->next = NULL;
    return task;
}

void task_queue_clear(struct task_queue *ready)
{
    for (struct task *task = task_queue_take(ready); task; task = task_queue_take(ready))
        task_destroy(&task);
}
