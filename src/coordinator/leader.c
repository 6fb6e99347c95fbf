// SPDX-License-Identifier: MIT
#include "coordinator/leader.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/system/log.h"
#include "common/system/stop_request.h"
#include "coordinator/intake/load.h"
#include "coordinator/intake/prefetch.h"
#include "coordinator/leader_messages.h"
#include "coordinator/schedule/dispatcher.h"
#include "coordinator/schedule/teams.h"

enum { HELD_MAX = 2 }; // images: one is dreamed while the next one is read

struct leader {
    const struct coordinator_options *options;
    struct prefetch *prefetch;
    struct dispatcher *dispatcher;
    struct checkpoint_folder checkpoints;
    struct progress *progress; // shows nothing: rank 0's does
    struct timing timing;
    int rank;
    int asked, held; // images asked for; got and not ended
    bool end;        // no further one will come
    bool stopping;
};

static enum status tell(struct leader *l, const struct account *account, const void *bytes)
{
    TRY(mpi_send(account, sizeof *account, COORDINATOR_RANK, MESSAGE_ACCOUNT, l->options->comm));
    if (account->bytes > 0)
        return mpi_send(bytes, (size_t)account->bytes, COORDINATOR_RANK, MESSAGE_ACCOUNT_BYTES, l->options->comm);
    return STATUS_OK;
}

static enum status on_ended(void *context, struct task *task)
{
    struct leader *l = context;
    const struct run_file_header *header = &l->options->header;
    void *bytes = NULL;
    size_t size;
    enum status rc;
    l->held--;
    if (task->record.rank >= 0)
        task->record.rank = l->rank; // not that of its own small world
    TRY_OUT(account_pack(task, header->channels, header->config->targets.count, &bytes, &size));
    if (size > INT_MAX) {
        rc = fail(STATUS_LIMIT, "the rows of %s are more than one message between ranks can hold", task->record.source);
        goto out;
    }
    rc = tell(l, &(struct account){.kind = ACCOUNT_IMAGE, .image = task->record.id, .bytes = (int64_t)size}, bytes);
out:
    free(bytes);
    task_destroy(&task);
    return rc;
}

static enum status take_image(struct leader *l, const struct order *order)
{
    struct intake_entry entry = {.id = order->image, .kind = order->is_url ? INTAKE_URL : INTAKE_FILE};
    snprintf(entry.source, sizeof entry.source, "%s", order->source);
    snprintf(entry.name, sizeof entry.name, "%s", order->name);
    l->asked--;
    l->held++;
    return prefetch_put(l->prefetch, &entry);
}

static enum status take_orders(struct leader *l, bool *found)
{
    const MPI_Comm comm = l->options->comm;
    for (;;) {
        struct order order;
        MPI_Status status;
        bool there;
        TRY(mpi_probe(comm, COORDINATOR_RANK, MESSAGE_ORDER, &there, &status));
        if (!there)
            break;
        TRY(order_receive(&order, comm));
        *found = true;
        if (order.kind == ORDER_IMAGE)
            TRY(take_image(l, &order));
        l->end = l->end || order.kind != ORDER_IMAGE;
        l->stopping = l->stopping || order.kind == ORDER_STOP;
    }
    return STATUS_OK;
}

// An image that one rank has no memory for waits until rank 0 can give it a team.
static enum status put(struct leader *l, struct task *task)
{
    const struct account account = {.kind = ACCOUNT_TEAM, .image = task->record.id};
    if (task->record.status == IMAGE_FAILED || schedule_least(l->options->schedule, task_size(task)) > 0)
        return dispatcher_put(l->dispatcher, task, false);
    task_destroy(&task);
    l->held--;
    return tell(l, &account, NULL);
}

static enum status take_inputs(struct leader *l, bool *found)
{
    bool in_order;
    for (; !l->end && l->asked + l->held < HELD_MAX; l->asked++)
        TRY(tell(l, &(struct account){.kind = ACCOUNT_WANTS}, NULL));
    if (!dispatcher_wants_more(l->dispatcher, false, &in_order))
        return STATUS_OK;
    struct task *task = prefetch_take(l->prefetch, false, &l->timing);
    if (!task)
        return STATUS_OK;
    *found = true;
    return put(l, task);
}

// Rank 0 hears of a signal that only this rank got.
static enum status stop(struct leader *l)
{
    prefetch_stop(l->prefetch);
    TRY(dispatcher_stop(l->dispatcher));
    return tell(l, &(struct account){.kind = ACCOUNT_STOPS}, NULL);
}

static enum status serve(struct leader *l)
{
    unsigned idle = 0;
    bool told = false;
    for (;;) {
        bool found = false;
        TRY(take_orders(l, &found));
        TRY(dispatcher_turn(l->dispatcher, -1, &found));
        l->stopping = l->stopping || stop_requested() || dispatcher_is_stopping(l->dispatcher);
        if (l->stopping && !told)
            TRY(stop(l));
        told = told || l->stopping;
        if (!l->stopping)
            TRY(take_inputs(l, &found));
        // A stopped one waits for rank 0's word, so that nothing is left on its way.
        if (l->end && dispatcher_is_idle(l->dispatcher) && (l->stopping || l->held == 0))
            break;
        if (found)
            idle = 0;
        else
            mpi_idle(&idle);
    }
    return STATUS_OK;
}

// What rank 0 has sent meanwhile must not stay behind as messages that nobody receives.
static enum status leave(struct leader *l)
{
    struct order order = {.kind = ORDER_END};
    TRY(tell(l, &(struct account){.kind = ACCOUNT_LEAVES, .bytes = sizeof l->timing}, &l->timing));
    while (order.kind != ORDER_LEAVE)
        TRY(order_receive(&order, l->options->comm));
    return STATUS_OK;
}

static enum status create(struct leader *l, MPI_Comm local)
{
    const struct coordinator_options *o = l->options;
    TRY(checkpoint_folder_init(&l->checkpoints, o->output));
    TRY(prefetch_create(&l->prefetch, o->config, o->output, &l->checkpoints, 1));
    TRY(progress_create(&l->progress, -1, LOG_ERROR, STDERR_FILENO));
    return dispatcher_create(&l->dispatcher, &(struct dispatcher_options){.comm = local,
                                                                          .first_worker = COORDINATOR_RANK,
                                                                          .kind = o->kind,
                                                                          .work = o->work,
                                                                          .schedule = o->schedule,
                                                                          .config = o->config,
                                                                          .output = o->output,
                                                                          .header = &o->header,
                                                                          .checkpoints = &l->checkpoints,
                                                                          .progress = l->progress,
                                                                          .timing = &l->timing,
                                                                          .ended = on_ended,
                                                                          .context = l});
}

enum status leader_run(const struct coordinator_options *options, MPI_Comm local)
{
    struct leader l = {.options = options};
    enum status rc;
    TRY_OUT(mpi_check(MPI_Comm_rank(options->comm, &l.rank), "rank"));
    TRY_OUT(create(&l, local));
    TRY_OUT(serve(&l));
    TRY_OUT(dispatcher_dismiss(l.dispatcher));
    rc = leave(&l);
out:
    progress_destroy(&l.progress);
    prefetch_destroy(&l.prefetch);
    dispatcher_destroy(&l.dispatcher);
    checkpoint_folder_destroy(&l.checkpoints);
    return rc;
}
