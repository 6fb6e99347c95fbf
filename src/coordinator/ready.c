// SPDX-License-Identifier: MIT
#include "coordinator/ready.h"

#include "coordinator/handover.h"

void ready_put(struct ready *ready, struct task *task)
{
    struct task **at = &ready->first;
    while (*at && (*at)->work >= task->work)
        at = &(*at)->next;
    task->next = *at;
    *at = task;
    ready->count++;
    ready->bytes += (double)handover_bytes(task);
}

struct task *ready_take(struct ready *ready)
{
    struct task *task = ready->first;
    if (!task)
        return NULL;
    ready->first = task->next;
    ready->count--;
    ready->bytes -= (double)handover_bytes(task);
    task->next = NULL;
    return task;
}

void ready_clear(struct ready *ready)
{
    for (struct task *task = ready_take(ready); task; task = ready_take(ready))
        task_destroy(&task);
}
