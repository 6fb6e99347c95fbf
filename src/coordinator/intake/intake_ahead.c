// SPDX-License-Identifier: MIT
#include "coordinator/intake/intake_ahead.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/system/thread.h"

enum { HELD_MAX = 16 << 20 }; // bytes

// An entry without the room that its longest possible texts would need.
struct held {
    TAILQ_ENTRY(held) link;
    int64_t id;
    enum intake_kind kind;
    enum status status;
    size_t bytes;
    char texts[]; // source, name and error, each with its NUL
};

struct intake_ahead {
    struct intake *intake; // the thread's
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex; // of what follows
    pthread_cond_t room;
    TAILQ_HEAD(, held) held;
    size_t bytes;
    int64_t seen;
    bool ended, stopping;
    enum status status; // why there is no more; STATUS_OK: there is, or it is the end
    char reason[STATUS_MESSAGE_MAX];
};

// *out is NULL at the end.
static enum status read_one(struct intake *intake, struct held **out)
{
    struct intake_entry entry;
    bool end;
    *out = NULL;
    TRY(intake_next(intake, &entry, &end));
    if (end)
        return STATUS_OK;
    const size_t bytes = sizeof **out + strlen(entry.source) + strlen(entry.name) + strlen(entry.error) + 3;
    struct held *held = *out = malloc(bytes);
    if (!held)
        return fail(STATUS_LIMIT, "no memory for the inputs");
    *held = (struct held){.id = entry.id, .kind = entry.kind, .status = entry.status, .bytes = bytes};
    stpcpy(stpcpy(stpcpy(held->texts, entry.source) + 1, entry.name) + 1, entry.error);
    return STATUS_OK;
}

// With the mutex.
static void hold(struct intake_ahead *a, struct held *held)
{
    TAILQ_INSERT_TAIL(&a->held, held, link);
    a->bytes += held->bytes;
    a->seen++;
}

// With the mutex. NULL: none is there.
static struct held *take(struct intake_ahead *a)
{
    struct held *held = TAILQ_FIRST(&a->held);
    if (!held)
        return NULL;
    TAILQ_REMOVE(&a->held, held, link);
    a->bytes -= held->bytes;
    pthread_cond_signal(&a->room);
    return held;
}

static void *run(void *data)
{
    struct intake_ahead *a = data;
    pthread_mutex_lock(&a->mutex);
    while (!a->stopping && !a->ended && a->status == STATUS_OK) {
        struct held *held;
        if (a->bytes >= HELD_MAX) {
            pthread_cond_wait(&a->room, &a->mutex);
            continue;
        }
        pthread_mutex_unlock(&a->mutex);
        const enum status rc = read_one(a->intake, &held);
        pthread_mutex_lock(&a->mutex);
        if (held)
            hold(a, held);
        a->ended = rc == STATUS_OK && !held;
        a->status = rc;
        if (rc != STATUS_OK)
            snprintf(a->reason, sizeof a->reason, "%s", status_message());
    }
    pthread_mutex_unlock(&a->mutex);
    return NULL;
}

enum status intake_ahead_create(struct intake_ahead **ahead, struct intake *intake)
{
    TRY(ALLOCATE(*ahead, 1, "for the inputs"));
    struct intake_ahead *a = *ahead;
    a->intake = intake;
    TAILQ_INIT(&a->held);
    pthread_mutex_init(&a->mutex, NULL);
    pthread_cond_init(&a->room, NULL);
    const enum status rc = thread_start(&a->thread, run, a);
    a->started = rc == STATUS_OK;
    if (rc != STATUS_OK)
        intake_ahead_destroy(ahead);
    return rc;
}

void intake_ahead_destroy(struct intake_ahead **ahead)
{
    struct intake_ahead *a = *ahead;
    if (!a)
        return;
    pthread_mutex_lock(&a->mutex);
    a->stopping = true;
    pthread_cond_signal(&a->room);
    pthread_mutex_unlock(&a->mutex);
    if (a->started)
        pthread_join(a->thread, NULL);
    while (!TAILQ_EMPTY(&a->held))
        free(take(a));
    pthread_cond_destroy(&a->room);
    pthread_mutex_destroy(&a->mutex);
    free(a);
    *ahead = NULL;
}

enum status intake_ahead_next(struct intake_ahead *a, struct intake_entry *entry, bool *given, bool *end)
{
    enum status rc = STATUS_OK;
    pthread_mutex_lock(&a->mutex);
    struct held *held = take(a);
    *given = held;
    *end = !held && a->ended;
    if (!held && a->status != STATUS_OK)
        rc = fail(a->status, "%s", a->reason);
    pthread_mutex_unlock(&a->mutex);
    if (!held)
        return rc;
    const char *name = held->texts + strlen(held->texts) + 1, *error = name + strlen(name) + 1;
    entry->id = held->id;
    entry->kind = held->kind;
    entry->status = held->status;
    snprintf(entry->source, sizeof entry->source, "%s", held->texts);
    snprintf(entry->name, sizeof entry->name, "%s", name);
    snprintf(entry->error, sizeof entry->error, "%s", error);
    free(held);
    return STATUS_OK;
}

int64_t intake_ahead_total(struct intake_ahead *a)
{
    pthread_mutex_lock(&a->mutex);
    const int64_t total = a->ended ? a->seen : -1;
    pthread_mutex_unlock(&a->mutex);
    return total;
}
