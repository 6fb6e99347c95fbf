// SPDX-License-Identifier: MIT
#include "coordinator/leaders.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/leader_messages.h"

// An image that was handed out. Of a long list only those in hand are kept.
struct given {
    struct given *next;
    int64_t image;
    enum intake_kind kind;
    char name[FOLDER_NAME_MAX + 1];
    char source[];
};

// An order on its way. Nobody waits for it to arrive: the worker may be sending as well.
struct sent {
    struct sent *next;
    MPI_Request request;
    struct order order;
};

struct leaders {
    struct leaders_options options;
    struct timing *timings; // [workers]
    int *wants;             // [workers] images that each asked for and has not got
    int wanting;            // of them all
    int next;               // worker, whose turn it is
    bool *gone;             // [workers] those that have left
    int left;               // how many of them
    struct sent *sent;
    struct given **given;   // [workers] in hand, a few each
    struct given *returned; // need a team
    int in_flight, returned_count;
    bool all_given, end_told, stopping, stop_told;
};

static enum status send_order(struct leaders *l, int worker, const struct order *order)
{
    struct sent *sent = malloc(sizeof *sent);
    if (!sent)
        return fail(STATUS_LIMIT, "no memory for a message");
    *sent = (struct sent){.next = l->sent, .order = *order};
    l->sent = sent;
    return mpi_check(MPI_Isend(&sent->order, (int)order_bytes(order), MPI_BYTE, l->options.first_worker + worker, MESSAGE_ORDER,
                               l->options.comm, &sent->request),
                     "send");
}

static enum status forget_arrived(struct leaders *l)
{
    for (struct sent **at = &l->sent; *at;) {
        struct sent *sent = *at;
        int arrived = 0;
        TRY(mpi_check(MPI_Test(&sent->request, &arrived, MPI_STATUS_IGNORE), "test"));
        if (arrived) {
            *at = sent->next;
            free(sent);
        } else {
            at = &sent->next;
        }
    }
    return STATUS_OK;
}

static enum status tell_all(struct leaders *l, enum order_kind kind)
{
    const struct order order = {.kind = kind};
    enum status rc = STATUS_OK;
    for (int w = 0; rc == STATUS_OK && w < l->options.workers; w++)
        if (!l->gone[w])
            rc = send_order(l, w, &order);
    return rc;
}

// Out of the worker's list; NULL if it is not there.
static struct given *take_out(struct leaders *l, int worker, int64_t image)
{
    struct given **at = &l->given[worker];
    while (*at && (*at)->image != image)
        at = &(*at)->next;
    struct given *given = *at;
    if (given) {
        *at = given->next;
        l->in_flight--;
    }
    return given;
}

static enum status take_image(struct leaders *l, const struct account *account, int rank)
{
    const struct run_file_header *header = l->options.header;
    struct task *task = task_create();
    void *bytes = malloc((size_t)account->bytes);
    enum status rc;
    free(take_out(l, rank - l->options.first_worker, account->image));
    if (!task || !bytes) {
        rc = fail(STATUS_LIMIT, "no memory for the rows of an image");
        goto out;
    }
    TRY_OUT(mpi_receive(bytes, (size_t)account->bytes, rank, MESSAGE_ACCOUNT_BYTES, l->options.comm));
    TRY_OUT(account_unpack(task, header->channels, header->config->targets.count, bytes, (size_t)account->bytes));
    rc = l->options.ended(l->options.context, task);
    task = NULL;
out:
    task_destroy(&task);
    free(bytes);
    return rc;
}

static enum status take_back(struct leaders *l, const struct account *account, int worker)
{
    struct given *given = take_out(l, worker, account->image), **at = &l->returned;
    if (!given)
        return fail(STATUS_INTERNAL, "a worker gives image %" PRId64 " back, which it has not got", account->image);
    while (*at)
        at = &(*at)->next;
    given->next = NULL;
    *at = given;
    l->returned_count++;
    return STATUS_OK;
}

static enum status let_go(struct leaders *l, int worker)
{
    const int rank = l->options.first_worker + worker;
    TRY(mpi_receive(&l->timings[worker], sizeof *l->timings, rank, MESSAGE_ACCOUNT_BYTES, l->options.comm));
    TRY(send_order(l, worker, &(struct order){.kind = ORDER_LEAVE}));
    l->gone[worker] = true;
    l->left++;
    return STATUS_OK;
}

static enum status take_account(struct leaders *l, const struct account *account, int rank)
{
    const int worker = rank - l->options.first_worker;
    switch ((enum account_kind)account->kind) {
    case ACCOUNT_WANTS:
        l->wants[worker]++;
        l->wanting++;
        return STATUS_OK;
    case ACCOUNT_IMAGE:
        return take_image(l, account, rank);
    case ACCOUNT_TEAM:
        return take_back(l, account, worker);
    case ACCOUNT_STOPS:
        l->stopping = true;
        return STATUS_OK;
    case ACCOUNT_LEAVES:
        return let_go(l, worker);
    }
    return fail(STATUS_INTERNAL, "rank %d sent an account of kind %d", rank, (int)account->kind);
}

static enum status collect(struct leaders *l, bool *found)
{
    for (;;) {
        struct account account;
        MPI_Status status;
        bool there;
        TRY(mpi_probe(l->options.comm, MPI_ANY_SOURCE, MESSAGE_ACCOUNT, &there, &status));
        if (!there)
            break;
        TRY(mpi_receive(&account, sizeof account, status.MPI_SOURCE, MESSAGE_ACCOUNT, l->options.comm));
        TRY(take_account(l, &account, status.MPI_SOURCE));
        *found = true;
    }
    return STATUS_OK;
}

static enum status give(struct leaders *l, int worker, const struct intake_entry *entry)
{
    const size_t length = strlen(entry->source) + 1;
    struct order order = {.kind = ORDER_IMAGE, .is_url = entry->kind == INTAKE_URL, .image = entry->id};
    struct given *given = malloc(sizeof *given + length);
    if (!given)
        return fail(STATUS_LIMIT, "no memory for another image");
    *given = (struct given){.next = l->given[worker], .image = entry->id, .kind = entry->kind};
    memcpy(given->source, entry->source, length);
    snprintf(given->name, sizeof given->name, "%s", entry->name);
    l->given[worker] = given;
    l->in_flight++;
    l->wants[worker]--;
    l->wanting--;
    memcpy(order.source, entry->source, length);
    snprintf(order.name, sizeof order.name, "%s", entry->name);
    return send_order(l, worker, &order);
}

// In turn, so that all get one before any gets its second.
static enum status hand_out(struct leaders *l, bool *found)
{
    enum status rc = STATUS_OK;
    while (l->wanting > 0 && !l->all_given) {
        struct intake_entry entry;
        bool given;
        TRY(l->options.next(l->options.context, &entry, &given, &l->all_given));
        if (!given)
            break;
        while (l->wants[l->next] == 0)
            l->next = (l->next + 1) % l->options.workers;
        TRY(give(l, l->next, &entry));
        l->next = (l->next + 1) % l->options.workers;
        *found = true;
    }
    if (l->all_given && !l->end_told) {
        l->end_told = true;
        rc = tell_all(l, ORDER_END);
    }
    return rc;
}

enum status leaders_turn(struct leaders *l, bool *found)
{
    TRY(forget_arrived(l));
    TRY(collect(l, found));
    if (!l->stopping)
        return hand_out(l, found);
    return STATUS_OK;
}

enum status leaders_stop(struct leaders *l)
{
    const bool told = l->stop_told;
    l->stopping = l->stop_told = true;
    return told ? STATUS_OK : tell_all(l, ORDER_STOP);
}

bool leaders_are_stopping(const struct leaders *l)
{
    return l->stopping;
}

bool leaders_have_left(const struct leaders *l)
{
    return l->left == l->options.workers && !l->sent;
}

int leaders_in_flight(const struct leaders *l)
{
    return l->in_flight;
}

bool leaders_take_back(struct leaders *l, struct intake_entry *entry)
{
    struct given *given = l->returned;
    if (!given)
        return false;
    *entry = (struct intake_entry){.id = given->image, .kind = given->kind};
    snprintf(entry->name, sizeof entry->name, "%s", given->name);
    snprintf(entry->source, sizeof entry->source, "%s", given->source);
    l->returned = given->next;
    l->returned_count--;
    free(given);
    return true;
}

int leaders_returned(const struct leaders *l)
{
    return l->returned_count;
}

const struct timing *leaders_timing(const struct leaders *l, int worker)
{
    return &l->timings[worker];
}

enum status leaders_create(struct leaders **leaders, const struct leaders_options *options)
{
    struct leaders *l = *leaders = calloc(1, sizeof *l);
    if (!l)
        return fail(STATUS_LIMIT, "no memory for %d workers", options->workers);
    l->options = *options;
    l->timings = calloc((size_t)options->workers, sizeof *l->timings);
    l->wants = calloc((size_t)options->workers, sizeof *l->wants);
    l->given = calloc((size_t)options->workers, sizeof *l->given);
    l->gone = calloc((size_t)options->workers, sizeof *l->gone);
    if (l->timings && l->wants && l->given && l->gone)
        return STATUS_OK;
    leaders_destroy(leaders);
    return fail(STATUS_LIMIT, "no memory for %d workers", options->workers);
}

static void drop(struct given **list)
{
    for (struct given *given = *list, *next; given; given = next) {
        next = given->next;
        free(given);
    }
    *list = NULL;
}

void leaders_destroy(struct leaders **leaders)
{
    struct leaders *l = *leaders;
    if (!l)
        return;
    for (struct sent *sent = l->sent, *next; sent; sent = next) { // after a failure only: the job ends
        next = sent->next;
        free(sent);
    }
    for (int w = 0; l->given && w < l->options.workers; w++)
        drop(&l->given[w]);
    free(l->given);
    drop(&l->returned);
    free(l->timings);
    free(l->wants);
    free(l->gone);
    free(l);
    *leaders = NULL;
}
