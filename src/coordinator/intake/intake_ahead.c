// SPDX-License-Identifier: MIT
#include "coordinator/intake/intake_ahead.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/system/thread.h"

enum { HELD_MAX = 16 << 20 }; // bytes

struct intake_ahead {
    struct intake *intake; // the thread's
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex; // of what follows
    pthread_cond_t room;
    struct held_entries held;
    size_t bytes;
    int64_t seen;
    bool ended, stopping;
    enum status status; // why there is no more; STATUS_OK: there is, or it is the end
    char reason[STATUS_MESSAGE_MAX];
};

// *held is NULL at the end.
static enum status read_one(struct intake *intake, struct held_entry **held)
{
    struct intake_entry entry;
    bool end;
    *held = NULL;
    TRY(intake_next(intake, &entry, &end));
    *held = end ? NULL : intake_hold(&entry);
    return end || *held ? STATUS_OK : no_memory("for the inputs");
}

// With the mutex. NULL: none is there.
static struct held_entry *take(struct intake_ahead *a)
{
    struct held_entry *held = STAILQ_FIRST(&a->held);
    if (!held)
        return NULL;
    STAILQ_REMOVE_HEAD(&a->held, link);
    a->bytes -= held->bytes;
    pthread_cond_signal(&a->room);
    return held;
}

static void *run(void *data)
{
    struct intake_ahead *a = data;
    pthread_mutex_lock(&a->mutex);
    while (!a->stopping && !a->ended && a->status == STATUS_OK) {
        struct held_entry *held;
        if (a->bytes >= HELD_MAX) {
            pthread_cond_wait(&a->room, &a->mutex);
            continue;
        }
        pthread_mutex_unlock(&a->mutex);
        const enum status rc = read_one(a->intake, &held);
        pthread_mutex_lock(&a->mutex);
        if (held) {
            STAILQ_INSERT_TAIL(&a->held, held, link);
            a->bytes += held->bytes;
            a->seen++;
        }
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
    STAILQ_INIT(&a->held);
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
    while (!STAILQ_EMPTY(&a->held))
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
    struct held_entry *held = take(a);
    *given = held;
    *end = !held && a->ended;
    if (!held && a->status != STATUS_OK)
        rc = fail(a->status, "%s", a->reason);
    pthread_mutex_unlock(&a->mutex);
    if (!held)
        return rc;
    intake_release(held, entry);
    return STATUS_OK;
}

int64_t intake_ahead_total(struct intake_ahead *a)
{
    pthread_mutex_lock(&a->mutex);
    const int64_t total = a->ended ? a->seen : -1;
    pthread_mutex_unlock(&a->mutex);
    return total;
}
