// SPDX-License-Identifier: MIT
#include "coordinator/task/task.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/config/channel_input.h"
enum job_kind task_job(enum config_use use, const char *source)
{
    return use == CONFIG_EXPLAIN ? JOB_EXPLAIN : use == CONFIG_ATLAS && !channel_input_is_named(source) ? JOB_SCAN : JOB_DREAM;
}

bool task_is_clip(const struct task *task, const struct config *config)
{
    return task->record.status != IMAGE_FAILED && task->job == JOB_DREAM && !task->one_channel && (task->video || config->zoom.frames > 0);
}

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
    clip_source_destroy(&(*task)->video);
    free(*task);
    *task = NULL;
}

int64_t task_pixel_bytes(const struct task *task)
{
    return (int64_t)(3 * sizeof(float)) * task->image.width * task->image.height;
}

int64_t task_bytes(const struct task *task)
{
    return task_pixel_bytes(task) + (int64_t)task->image.raster.file_size;
}

void task_failed(struct task *task)
{
    task->record.status = IMAGE_FAILED;
    snprintf(task->record.error, sizeof task->record.error, "%s", status_message());
}

static void insert(struct task_queue *queue, struct task **at, struct task *task)
{
    task->next = *at;
    *at = task;
    queue->count++;
    queue->bytes += (double)task_bytes(task);
}

static struct task *take(struct task_queue *queue, struct task **at)
{
    struct task *task = *at;
    if (!task)
        return NULL;
    *at = task->next;
    task->next = NULL;
    queue->count--;
    queue->bytes -= (double)task_bytes(task);
    return task;
}

void task_queue_put(struct task_queue *queue, struct task *task)
{
    struct task **at = &queue->first;
    while (*at && (*at)->work >= task->work)
        at = &(*at)->next;
    insert(queue, at, task);
}

void task_queue_append(struct task_queue *queue, struct task *task)
{
    struct task **at = &queue->first;
    while (*at)
        at = &(*at)->next;
    insert(queue, at, task);
}

struct task *task_queue_take(struct task_queue *queue)
{
    return take(queue, &queue->first);
}

struct task *task_queue_take_written(struct task_queue *queue, int most)
{
    struct task **at = &queue->first;
    while (*at && !work_queue_is_done((*at)->output.queue))
        at = &(*at)->next;
    return take(queue, *at || queue->count <= most ? at : &queue->first);
}

struct task *task_queue_remove(struct task_queue *queue, struct task *task)
{
    struct task **at = &queue->first;
    while (*at != task)
        at = &(*at)->next;
    return take(queue, at);
}

void task_queue_clear(struct task_queue *queue)
{
    for (struct task *task; (task = task_queue_take(queue));)
        task_destroy(&task);
}
