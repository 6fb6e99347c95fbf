// SPDX-License-Identifier: MIT
#include "coordinator/intake_ahead.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    struct intake *intake;
    struct held *first, **last;
    size_t bytes;
    int64_t seen;
    bool ended;
};

enum status intake_ahead_create(struct intake_ahead **ahead, struct intake *intake)
{
    struct intake_ahead *a = *ahead = calloc(1, sizeof *a);
    if (!a)
        return fail(STATUS_LIMIT, "no memory for the inputs");
    a->intake = intake;
    a->last = &a->first;
    return STATUS_OK;
}

void intake_ahead_destroy(struct intake_ahead **ahead)
{
    if (!*ahead)
        return;
    for (struct held *held = (*ahead)->first, *next; held; held = next) {
        next = held->next;
        free(held);
    }
    free(*ahead);
    *ahead = NULL;
}

static enum status hold(struct intake_ahead *a, const struct intake_entry *entry)
{
    const size_t source = strlen(entry->source) + 1, name = strlen(entry->name) + 1, error = strlen(entry->error) + 1;
    const size_t bytes = sizeof(struct held) + source + name + error;
    struct held *held = malloc(bytes);
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
    *a->last = held;
    a->last = &held->next;
    a->bytes += bytes;
    return STATUS_OK;
}

enum status intake_ahead_look(struct intake_ahead *a, int count, bool *more)
{
    enum status rc = STATUS_OK;
    for (int i = 0; i < count && !a->ended && a->bytes < HELD_MAX; i++) {
        struct intake_entry entry;
        TRY(intake_next(a->intake, &entry, &a->ended));
        if (a->ended)
            break;
        TRY(hold(a, &entry));
        a->seen++;
    }
out:
    *more = rc == STATUS_OK && !a->ended && a->bytes < HELD_MAX;
    return rc;
}

enum status intake_ahead_next(struct intake_ahead *a, struct intake_entry *entry, bool *end)
{
    enum status rc = STATUS_OK;
    bool more;
    if (!a->first)
        TRY(intake_ahead_look(a, 1, &more));
    struct held *held = a->first;
    *end = !held;
    if (!held)
        goto out;
    entry->id = held->id;
    entry->kind = held->kind;
    entry->status = held->status;
    snprintf(entry->source, sizeof entry->source, "%s", held->source);
    snprintf(entry->name, sizeof entry->name, "%s", held->name);
    snprintf(entry->error, sizeof entry->error, "%s", held->error);
    a->first = held->next;
    if (!a->first)
        a->last = &a->first;
    a->bytes -= held->bytes;
    free(held);
out:
    return rc;
}

int64_t intake_ahead_total(const struct intake_ahead *a)
{
    return a->ended ? a->seen : -1;
}
