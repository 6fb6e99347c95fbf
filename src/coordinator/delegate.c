// SPDX-License-Identifier: MIT
// A worker's own small coordinator: reads the pictures that rank 0 leaves to this process (delegation.h), has its worker dream them, by
// calls, writes what comes of them, and sends rank 0 the rows.
#include "coordinator/coordinator.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/system/log.h"
#include "common/system/stop_request.h"
#include "coordinator/delegation.h"
#include "coordinator/intake/prefetch.h"
#include "coordinator/schedule/teams.h"
#include "coordinator/task/task_notices.h"

struct delegate {
    const struct coordinator_options *options;
    struct prefetch *prefetch;
    struct dispatcher *dispatcher;
    struct checkpoint_folder checkpoints;
    struct progress *progress; // shows nothing: rank 0's does
    struct pending_sends sends;
    struct timing timing;
    int rank;
    int64_t held[DELEGATED_MAX]; // images that were got and have not come to their end
    int held_count;
    struct task *asked; // the one among them that rank 0 is asked about; NULL: none
    bool stopping;
};

static void forget(struct delegate *d, int64_t image)
{
    int i = 0;
    while (i < d->held_count && d->held[i] != image)
        i++;
    if (i < d->held_count)
        d->held[i] = d->held[--d->held_count];
}

static enum status on_ended(void *context, struct task *task)
{
    struct delegate *d = context;
    const struct run_file_header *header = &d->options->setup.header;
    void *bytes = NULL;
    size_t size;
    forget(d, task->record.id);
    if (task->record.rank >= 0)
        task->record.rank = d->rank; // not that of its own small world
    const enum status rc = rows_pack(task, header->channels, header->config->targets.count, &bytes, &size);
    task_destroy(&task);
    if (rc != STATUS_OK)
        return rc;
    return pending_sends_add(&d->sends, bytes, (int)size, MPI_BYTE, COORDINATOR_RANK, MESSAGE_ROWS, d->options->comm);
}

// -1: none, but a signal has come.
static enum status give_back(struct delegate *d, int64_t image)
{
    struct returned *returned = malloc(sizeof *returned);
    forget(d, image);
    if (returned)
        *returned = (struct returned){.image = image, .stopping = d->stopping};
    return pending_sends_add(&d->sends, returned, sizeof *returned, MPI_BYTE, COORDINATOR_RANK, MESSAGE_RETURNED, d->options->comm);
}

// Whether another image of the same bytes is dreamed, perhaps by another worker.
static enum status ask(struct delegate *d, struct task *task)
{
    struct image_row *row = malloc(sizeof *row);
    d->asked = task;
    if (row)
        *row = task->record;
    return pending_sends_add(&d->sends, row, sizeof *row, MPI_BYTE, COORDINATOR_RANK, MESSAGE_ASK, d->options->comm);
}

static enum status take_answer(struct delegate *d, bool *found)
{
    struct task *task = d->asked;
    struct answer answer;
    MPI_Status status;
    bool there = false;
    if (task)
        TRY(mpi_probe(d->options->comm, COORDINATOR_RANK, MESSAGE_ANSWER, &there, &status));
    if (!there)
        return STATUS_OK;
    TRY(mpi_receive(&answer, sizeof answer, COORDINATOR_RANK, MESSAGE_ANSWER, d->options->comm));
    d->asked = NULL;
    *found = true;
    if (!answer.dream)
        forget(d, task->record.id);
    if (answer.dream && !d->stopping)
        return dispatcher_put(d->dispatcher, task, false);
    task_destroy(&task);
    return STATUS_OK;
}

static enum status take_pictures(struct delegate *d, bool *found)
{
    const MPI_Comm comm = d->options->comm;
    for (;;) {
        struct intake_entry order;
        MPI_Status status;
        bool there;
        TRY(mpi_probe(comm, COORDINATOR_RANK, MESSAGE_READ, &there, &status));
        if (!there)
            return STATUS_OK;
        TRY(take_answer(d, found)); // which was sent before, and may make room
        TRY(delegated_receive(&order, comm));
        *found = true;
        if (d->held_count == DELEGATED_MAX)
            return fail(STATUS_INTERNAL, "rank 0 sends more pictures than asked for");
        d->held[d->held_count++] = order.id;
        if (!d->stopping)
            TRY(prefetch_put(d->prefetch, &order));
    }
}

// An image that one rank has no memory for waits until rank 0 can give it a team.
static enum status take_inputs(struct delegate *d, bool *found)
{
    bool in_order;
    if (d->asked || !dispatcher_wants_more(d->dispatcher, false, &in_order))
        return STATUS_OK;
    struct task *task = prefetch_take(d->prefetch, false, &d->timing);
    if (!task)
        return STATUS_OK;
    *found = true;
    task_notices_loaded(&task->image, d->options->setup.config, d->options->setup.use == CONFIG_EXPLAIN); // rank 0 says them
    if (task->record.status == IMAGE_FAILED)
        return dispatcher_put(d->dispatcher, task, false);
    if (schedule_least(d->options->setup.schedule, task_size(task)) > 0)
        return ask(d, task);
    const int64_t image = task->record.id;
    task_destroy(&task);
    return give_back(d, image);
}

// Rank 0 hears of a signal that only this rank got. What has not been begun goes back once the rest is written.
static enum status stop(struct delegate *d)
{
    bool told;
    MPI_Status status;
    if (!d->stopping) {
        TRY(mpi_probe(d->options->comm, COORDINATOR_RANK, MESSAGE_STOP, &told, &status));
        if (!told && !stop_requested() && !dispatcher_is_stopping(d->dispatcher))
            return STATUS_OK;
        d->stopping = true;
        prefetch_stop(d->prefetch);
        TRY(dispatcher_stop(d->dispatcher));
        TRY(give_back(d, -1));
    }
    while (d->held_count > 0 && !d->asked && dispatcher_is_idle(d->dispatcher))
        TRY(give_back(d, d->held[0]));
    return STATUS_OK;
}

// Jobs of rank 0's wait until this worker has nothing else in hand.
static enum status turn(void *context, struct job *job, bool *found)
{
    struct delegate *d = context;
    bool there = false;
    MPI_Status status;
    TRY(pending_sends_progress(&d->sends));
    TRY(take_pictures(d, found));
    TRY(take_answer(d, found));
    TRY(dispatcher_turn(d->dispatcher, -1, found));
    TRY(stop(d));
    if (!d->stopping)
        TRY(take_inputs(d, found));
    if (job && d->held_count == 0)
        TRY(mpi_probe(d->options->comm, COORDINATOR_RANK, MESSAGE_JOB, &there, &status));
    return there ? mpi_receive(job, sizeof *job, COORDINATOR_RANK, MESSAGE_JOB, d->options->comm) : STATUS_OK;
}

static enum status create(struct delegate *d)
{
    const struct coordinator_options *o = d->options;
    TRY(mpi_check(MPI_Comm_rank(o->comm, &d->rank), "rank"));
    TRY(checkpoint_folder_init(&d->checkpoints, o->setup.output));
    TRY(prefetch_create(&d->prefetch, o->setup.use, o->setup.config, o->setup.output, &d->checkpoints, 1, PREFETCH_DISK_BYTES));
    TRY(progress_create(&d->progress, -1, LOG_ERROR, STDERR_FILENO));
    return dispatcher_create(&d->dispatcher, &(struct dispatcher_options){.comm = MPI_COMM_NULL,
                                                                          .setup = &o->setup,
                                                                          .checkpoints = &d->checkpoints,
                                                                          .progress = d->progress,
                                                                          .timing = &d->timing,
                                                                          .ended = on_ended,
                                                                          .context = d});
}

enum status delegate_run(const struct coordinator_options *options)
{
    struct delegate d = {.options = options};
    enum status rc;
    TRY_OUT(create(&d));
    TRY_OUT(options->here.serve(options->here.worker, dispatcher_lead(d.dispatcher, turn, &d)));
    rc = pending_sends_wait(&d.sends, 0);
out:
    timing_merge(options->here.timing, &d.timing);
    pending_sends_destroy(&d.sends);
    task_destroy(&d.asked);
    progress_destroy(&d.progress);
    prefetch_destroy(&d.prefetch);
    dispatcher_destroy(&d.dispatcher);
    checkpoint_folder_destroy(&d.checkpoints);
    return rc;
}
