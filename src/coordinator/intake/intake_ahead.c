// SPDX-License-Identifier: MIT
#include "coordinator/intake/intake_ahead.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/thread.h"

enum { HELD_MAX = 16 << 20 }; // bytes

// An entry without the room that its longest possible texts would need.
struct held {
    struct held *next;
    int64_t id;
    enum intake_kind kind;
    enum status status;
    size_t bytes;
    const char *name, *error; // behind `source`
    char source[];
};

struct intake_ahead {
    struct intake *intake; // the thread's
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex; // of what follows
    pthread_cond_t room;
    struct held *first, **last;
    size_t bytes;
    int64_t seen;
    bool ended, stopping;
    enum status status; // why there is no more; STATUS_OK: there is, or it is the end
    char reason[STATUS_MESSAGE_MAX];
};

static enum status held_create(struct held **out, const struct intake_entry *entry)
{
    const size_t source = strlen(entry->source) + 1, name = strlen(entry->name) + 1, error = strlen(entry->error) + 1;
    const size_t bytes = sizeof(struct held) + source + name + error;
    struct held *held = *out = malloc(bytes);
    if (!held)
        return fail(STATUS_LIMIT, "no memory for the inputs");
    *held = (struct held){.id = entry->id,
                          .kind = entry->kind,
                          .status = entry->status,
                          .bytes = bytes,
                          .name = held->source + source,
                          .error = held->source + source + name};
    memcpy(held->source, entry->source, source);
    memcpy(held->source + source, entry->name, name);
    memcpy(held->source + source + name, entry->error, error);
    return STATUS_OK;
}

// *out is NULL at the end.
static enum status read_one(struct intake *intake, struct held **out)
{
    struct intake_entry entry;
    bool end;
    *out = NULL;
    TRY(intake_next(intake, &entry, &end));
    if (!end)
        return held_create(out, &entry);
    return STATUS_OK;
}

// With the mutex.
static void hold(struct intake_ahead *a, struct held *held)
{
    *a->last = held;
    a->last = &held->next;
    a->bytes += held->bytes;
    a->seen++;
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
    struct intake_ahead *a = *ahead = calloc(1, sizeof *a);
    if (!a)
        return fail(STATUS_LIMIT, "no memory for the inputs");
    a->intake = intake;
    a->last = &a->first;
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
    for (struct held *held = a->first, *next; held; held = next) {
        next = held->next;
        free(held);
    }
    pthread_cond_destroy(&a->room);
    pthread_mutex_destroy(&a->mutex);
    free(a);
    *ahead = NULL;
}

// With the mutex. NULL: none is there.
static struct held *take(struct intake_ahead *a)
{
    struct held *held = a->first;
    if (!held)
        return NULL;
    a->first = held->next;
    if (!a->first)
        a->last = &a->first;
    a->bytes -= held->bytes;
    pthread_cond_signal(&a->room);
    return held;
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
    entry->id = held->id;
    entry->kind = held->kind;
    entry->status = held->status;
    snprintf(entry->source, sizeof entry->source, "%s", held->source);
    snprintf(entry->name, sizeof entry->name, "%s", held->name);
    snprintf(entry->error, sizeof entry->error, "%s", held->error);
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
