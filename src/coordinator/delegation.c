// SPDX-License-Identifier: MIT
#include "coordinator/delegation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/pending_sends.h"
#include "coordinator/delegation_messages.h"

// An image that was handed out. Of a long list only those in hand are kept.
struct given {
    struct given *next;
    int64_t image;
    enum intake_kind kind;
    char name[FOLDER_NAME_MAX + 1];
    char source[];
};

struct delegation {
    struct delegation_options options;
    struct pending_sends sends;
    struct given **given; // [workers] in hand
    int *held;            // [workers] how many
    int next;             // worker, whose turn it is
    struct given *returned;
    int in_flight, returned_count;
    bool all_given, stopping;
};

// Out of the worker's list.
static enum status take_out(struct delegation *d, int worker, int64_t image, struct given **given)
{
    struct given **at = &d->given[worker];
    while (*at && (*at)->image != image)
        at = &(*at)->next;
    *given = *at;
    if (!*given)
        return fail(STATUS_INTERNAL, "a worker gives image %" PRId64 " back, which it has not got", image);
    *at = (*given)->next;
    d->held[worker]--;
    d->in_flight--;
    return STATUS_OK;
}

static enum status take_rows(struct delegation *d, const MPI_Status *status)
{
    const struct run_file_header *header = d->options.header;
    struct task *task = task_create();
    struct given *given = NULL;
    void *bytes = NULL;
    int size = 0;
    enum status rc;
    TRY_OUT(mpi_check(MPI_Get_count(status, MPI_BYTE, &size), "count"));
    bytes = malloc((size_t)size);
    if (!task || !bytes) {
        rc = fail(STATUS_LIMIT, "no memory for the rows of an image");
        goto out;
    }
    TRY_OUT(mpi_receive(bytes, (size_t)size, status->MPI_SOURCE, MESSAGE_ROWS, d->options.comm));
    TRY_OUT(rows_unpack(task, header->channels, header->config->targets.count, bytes, (size_t)size));
    TRY_OUT(take_out(d, status->MPI_SOURCE - d->options.first_worker, task->record.id, &given));
    d->stopping = d->stopping || task->record.status == IMAGE_STOPPED; // the signal reached the worker alone
    rc = d->options.ended(d->options.context, task);
    task = NULL;
out:
    task_destroy(&task);
    free(given);
    free(bytes);
    return rc;
}

static enum status take_returned(struct delegation *d, int rank)
{
    struct given *given, **at = &d->returned;
    struct returned returned;
    TRY(mpi_receive(&returned, sizeof returned, rank, MESSAGE_RETURNED, d->options.comm));
    d->stopping = d->stopping || returned.stopping;
    if (returned.image < 0)
        return STATUS_OK;
    TRY(take_out(d, rank - d->options.first_worker, returned.image, &given));
    while (*at)
        at = &(*at)->next;
    given->next = NULL;
    *at = given;
    d->returned_count++;
    return STATUS_OK;
}

static enum status collect(struct delegation *d, bool *found)
{
    bool there = true;
    MPI_Status status;
    while (there) {
        TRY(mpi_probe(d->options.comm, MPI_ANY_SOURCE, MESSAGE_ROWS, &there, &status));
        if (there)
            TRY(take_rows(d, &status));
        *found = *found || there;
    }
    for (there = true; there;) {
        TRY(mpi_probe(d->options.comm, MPI_ANY_SOURCE, MESSAGE_RETURNED, &there, &status));
        if (there)
            TRY(take_returned(d, status.MPI_SOURCE));
        *found = *found || there;
    }
    return STATUS_OK;
}

static enum status give(struct delegation *d, int worker, const struct intake_entry *entry)
{
    const size_t length = strlen(entry->source) + 1;
    struct delegated *order = calloc(1, sizeof *order);
    struct given *given = malloc(sizeof *given + length);
    if (!given || !order) {
        free(given);
        free(order);
        return fail(STATUS_LIMIT, "no memory for another image");
    }
    *given = (struct given){.next = d->given[worker], .image = entry->id, .kind = entry->kind};
    memcpy(given->source, entry->source, length);
    snprintf(given->name, sizeof given->name, "%s", entry->name);
    d->given[worker] = given;
    d->held[worker]++;
    d->in_flight++;
    order->image = entry->id;
    order->is_url = entry->kind == INTAKE_URL;
    memcpy(order->source, entry->source, length);
    snprintf(order->name, sizeof order->name, "%s", entry->name);
    return pending_sends_add(&d->sends, order, (int)delegated_bytes(order), MPI_BYTE, d->options.first_worker + worker, MESSAGE_READ,
                             d->options.comm);
}

// In turn, so that all get one before any gets its second; -1: none has room.
static int choose_worker(struct delegation *d)
{
    const int workers = d->options.workers;
    for (int held = 0; held < DELEGATED_MAX; held++)
        for (int i = 0; i < workers; i++)
            if (d->held[(d->next + i) % workers] == held) {
                const int worker = (d->next + i) % workers;
                d->next = (worker + 1) % workers;
                return worker;
            }
    return -1;
}

static enum status hand_out(struct delegation *d, bool *found)
{
    while (!d->all_given && d->in_flight < DELEGATED_MAX * d->options.workers) {
        struct intake_entry entry;
        bool given;
        TRY(d->options.next(d->options.context, &entry, &given, &d->all_given));
        if (!given)
            break;
        TRY(give(d, choose_worker(d), &entry));
        *found = true;
    }
    return STATUS_OK;
}

enum status delegation_turn(struct delegation *d, bool *found)
{
    TRY(pending_sends_progress(&d->sends));
    TRY(collect(d, found));
    return d->stopping ? STATUS_OK : hand_out(d, found);
}

void delegation_stop(struct delegation *d)
{
    d->stopping = true;
}

bool delegation_is_stopping(const struct delegation *d)
{
    return d->stopping;
}

int delegation_in_flight(const struct delegation *d)
{
    return d->in_flight;
}

bool delegation_is_over(const struct delegation *d)
{
    return (d->all_given || d->stopping) && d->in_flight == 0;
}

bool delegation_is_complete(const struct delegation *d)
{
    return d->all_given && d->in_flight == 0 && d->returned_count == 0;
}

bool delegation_take_back(struct delegation *d, struct intake_entry *entry)
{
    struct given *given = d->returned;
    if (!given)
        return false;
    *entry = (struct intake_entry){.id = given->image, .kind = given->kind};
    snprintf(entry->name, sizeof entry->name, "%s", given->name);
    snprintf(entry->source, sizeof entry->source, "%s", given->source);
    d->returned = given->next;
    d->returned_count--;
    free(given);
    return true;
}

int delegation_returned(const struct delegation *d)
{
    return d->returned_count;
}

enum status delegation_create(struct delegation **delegation, const struct delegation_options *options)
{
    struct delegation *d = *delegation = calloc(1, sizeof *d);
    if (d) {
        d->options = *options;
        d->given = calloc((size_t)options->workers, sizeof *d->given);
        d->held = calloc((size_t)options->workers, sizeof *d->held);
    }
    if (d && d->given && d->held)
        return STATUS_OK;
    delegation_destroy(delegation);
    return fail(STATUS_LIMIT, "no memory for %d workers", options->workers);
}

static void drop(struct given **list)
{
    for (struct given *given; (given = *list);) {
        *list = given->next;
        free(given);
    }
}

void delegation_destroy(struct delegation **delegation)
{
    struct delegation *d = *delegation;
    if (!d)
        return;
    pending_sends_destroy(&d->sends);
    for (int w = 0; d->given && w < d->options.workers; w++)
        drop(&d->given[w]);
    drop(&d->returned);
    free(d->given);
    free(d->held);
    free(d);
    *delegation = NULL;
}
