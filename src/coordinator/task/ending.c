// SPDX-License-Identifier: MIT
#include "coordinator/task/ending.h"

#include <stddef.h>

void ending_put(struct ending *ending, struct task *task)
{
    struct task **at = &ending->first;
    while (*at)
        at = &(*at)->next;
    *at = task;
    task->next = NULL;
    ending->count++;
}

struct task *ending_take(struct ending *ending, int most)
{
    struct task **at = &ending->first;
    while (*at && !work_queue_is_done((*at)->output.queue))
        at = &(*at)->next;
    if (!*at && ending->count > most)
        at = &ending->first;
    struct task *task = *at;
    if (!task)
        return NULL;
    *at = task->next;
    task->next = NULL;
    ending->count--;
    return task;
}

void ending_clear(struct ending *ending)
{
    while (ending->count > 0) {
        struct task *task = ending_take(ending, 0);
        task_destroy(&task);
    }
}
