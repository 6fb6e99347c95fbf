// SPDX-License-Identifier: MIT
#include "coordinator/schedule/image_transfer.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/picture/tiling.h"
#include "common/wire/messages.h"

// Where a member's rows of a picture begin in one plane, and how many values they are.
static size_t rows_of(const struct task *task, int width, int height, int member, size_t *count)
{
    const struct span rows = tiling_rows(height, task->record.team, member);
    *count = (size_t)(rows.end - rows.begin) * (size_t)width;
    return (size_t)rows.begin * (size_t)width;
}

// The first 64 bits of the digest of its bytes.
static uint64_t picture_of(const struct task *task)
{
    char digits[17];
    snprintf(digits, sizeof digits, "%s", task->record.sha256);
    return strtoull(digits, NULL, 16);
}

struct job image_transfer_job(const struct task *task)
{
    return (struct job){.kind = task->job,
                        .members = task->record.team,
                        .image = task->record.id,
                        .picture = picture_of(task),
                        .width = task->image.width,
                        .height = task->image.height,
                        .one_channel = task->one_channel,
                        .target = task->target,
                        .channel = task->channel,
                        .peaks = task->peaks,
                        .others = task->others,
                        .frame = task->frame.job,
                        .goes_on = task->earlier.rgb != NULL,
                        .from = task->earlier.state};
}

enum status image_transfer_offer(MPI_Comm comm, const struct task *task)
{
    const int members = task->record.team;
    const struct job job = image_transfer_job(task);
    for (int m = 0; m < members; m++) {
        TRY(mpi_send(&job, sizeof job, task->team[m], MESSAGE_JOB, comm));
        TRY(mpi_send(task->team, (size_t)members * sizeof *task->team, task->team[m], MESSAGE_JOB_RANKS, comm));
    }
    return STATUS_OK;
}

static enum status send_rows(MPI_Comm comm, const struct task *task, const float *rgb, int width, int height)
{
    const size_t plane = (size_t)height * (size_t)width;
    for (int m = 0; m < task->record.team; m++) {
        size_t count;
        const size_t first = rows_of(task, width, height, m, &count);
        TRY(mpi_send_rows(rgb + first, count, plane, task->team[m], MESSAGE_JOB_PIXELS, comm));
    }
    return STATUS_OK;
}

enum status image_transfer_send(MPI_Comm comm, struct task *task, const struct baseline_images *references)
{
    struct image *image = &task->image;
    struct checkpoint *earlier = &task->earlier;
    enum status rc;
    TRY_OUT(send_rows(comm, task, image->rgb, image->width, image->height));
    for (int i = 0; i < task->others && task->job == JOB_FRAME; i++)
        TRY_OUT(send_rows(comm, task, task->frame.before[i], image->width, image->height));
    for (int m = 0; m < task->record.team && task->frame.job.ripe > 0; m++)
        TRY_OUT(
            mpi_send(task->frame.ripe, (size_t)task->frame.job.ripe * sizeof *task->frame.ripe, task->team[m], MESSAGE_JOB_PIXELS, comm));
    for (int i = 0; i < task->others && task->job != JOB_FRAME; i++) {
        TRY_OUT(baseline_images_resize(references, task->record.id, i, image->width, image->height, image->rgb));
        TRY_OUT(send_rows(comm, task, image->rgb, image->width, image->height));
    }
    if (earlier->rgb)
        TRY_OUT(send_rows(comm, task, earlier->rgb, earlier->state.width, earlier->state.height));
    checkpoint_destroy(earlier);
out:
    free(image->rgb);
    image->rgb = NULL;
    return rc;
}

enum status image_transfer_receive(MPI_Comm comm, struct task *task)
{
    const size_t plane = (size_t)task->image.height * (size_t)task->image.width;
    task->image.rgb = malloc((size_t)task_pixel_bytes(task));
    TRY(task->image.rgb ? STATUS_OK : no_memory("for the dream of %s", task->record.source));
    for (int m = 0; m < task->record.team; m++) {
        size_t count;
        const size_t first = rows_of(task, task->image.width, task->image.height, m, &count);
        TRY(mpi_receive_rows(task->image.rgb + first, count, plane, task->team[m], MESSAGE_REPORT_PIXELS, comm));
    }
    return STATUS_OK;
}
