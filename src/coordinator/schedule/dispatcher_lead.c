// SPDX-License-Identifier: MIT
// The dispatcher's side of a worker in the same process.
#include <stdlib.h>
#include <string.h>

#include "common/system/clock.h"
#include "coordinator/schedule/dispatcher_inside.h"
#include "coordinator/schedule/image_transfer.h"
#include "coordinator/task/task_output.h"

static struct task *task_of(const struct dispatcher *d)
{
    return d->teams.busy[0];
}

static enum status next(void *context, struct job *job, bool *called)
{
    struct dispatcher *d = context;
    unsigned idle = 0;
    for (;;) {
        bool found = false;
        *job = (struct job){.kind = JOB_NONE};
        TRY(d->turn(d->turn_context, job, &found));
        *called = job->kind == JOB_NONE;
        if (job->kind != JOB_NONE)
            return STATUS_OK;
        if (task_of(d)) {
            *job = image_transfer_job(task_of(d));
            return STATUS_OK;
        }
        if (found)
            idle = 0;
        else
            mpi_idle(&idle);
    }
}

static enum status pixels(void *context, int number, float *values)
{
    struct dispatcher *d = context;
    struct task *task = task_of(d);
    struct image *image = &task->image;
    struct checkpoint *earlier = &task->earlier;
    if (number == 0) {
        memcpy(values, image->rgb, (size_t)task_pixel_bytes(task));
        free(image->rgb);
        image->rgb = NULL;
        return STATUS_OK;
    }
    if (task->job == JOB_FRAME) {
        const float *from = number <= task->others ? task->frame.before[number - 1] : task->frame.ripe;
        memcpy(values, from,
               number <= task->others ? (size_t)task_pixel_bytes(task) : (size_t)task->frame.job.ripe * sizeof *task->frame.ripe);
        return STATUS_OK;
    }
    if (number <= task->others)
        return baseline_images_resize(&d->baselines, task->record.id, number - 1, image->width, image->height, values);
    memcpy(values, earlier->rgb, 3 * sizeof(float) * (size_t)earlier->state.width * (size_t)earlier->state.height);
    checkpoint_destroy(earlier);
    return STATUS_OK;
}

// Not between any two operations of the network: a turn is short, but a step may have hundreds of them.
static enum status turn(void *context)
{
    static const double often = 2e-3; // seconds
    struct dispatcher *d = context;
    bool found = false;
    if (now() - d->turned < often)
        return STATUS_OK;
    const enum status rc = d->turn(d->turn_context, NULL, &found);
    d->turned = now();
    return rc;
}

static enum status report(void *context, const struct report *report)
{
    struct dispatcher *d = context;
    const double start = now();
    TRY(dispatcher_take_report(d, task_of(d), report));
    timing_add(d->options.timing, PHASE_STEPS, start, 0);
    return turn(d);
}

// Where the outputs' queue is full it waits for room: this worker alone has filled it.
static enum status array(void *context, const struct array_part *part, float *values)
{
    struct dispatcher *d = context;
    const double start = now();
    TRY(dispatcher_take_array(d, task_of(d), part, values));
    timing_add(d->options.timing, PHASE_STEPS, start, 0);
    return STATUS_OK;
}

static enum status end(void *context, const struct result *result, float *rgb)
{
    struct dispatcher *d = context;
    struct task *task = task_of(d);
    task->result = *result;
    free(task->image.rgb); // where there was no memory to take it
    task->image.rgb = rgb;
    return dispatcher_end_task(d, task);
}

const struct lead *dispatcher_lead(struct dispatcher *d, enum status (*turn_of)(void *context, struct job *job, bool *found), void *context)
{
    d->turn = turn_of;
    d->turn_context = context;
    d->lead = (struct lead){.next = next, .pixels = pixels, .report = report, .array = array, .turn = turn, .end = end, .context = d};
    return &d->lead;
}
