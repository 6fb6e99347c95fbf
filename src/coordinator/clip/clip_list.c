// SPDX-License-Identifier: MIT
#include "coordinator/clip/clip_list.h"

#include <assert.h>
#include <stdlib.h>

void clip_list_destroy(struct clip_list *list)
{
    for (int i = 0; i < list->count; i++)
        clip_destroy(&list->items[i]);
    free(list->items);
    *list = (struct clip_list){0};
}

static enum status make_room(struct clip_list *list)
{
    if (list->count < list->room)
        return STATUS_OK;
    const int room = 2 * list->room + 4;
    struct clip **items = realloc(list->items, (size_t)room * sizeof(struct clip *));
    if (!items)
        return no_memory("for another clip");
    list->items = items;
    list->room = room;
    return STATUS_OK;
}

enum status clip_list_add(struct clip_list *list, struct task *task)
{
    struct clip *clip = NULL;
    enum status rc = make_room(list);
    if (rc == STATUS_OK)
        rc = clip_create(&clip, &list->options, &task);
    if (rc == STATUS_OK) {
        list->items[list->count++] = clip;
        return STATUS_OK;
    }
    task_failed(task);
    return list->ended(list->context, task);
}

enum status clip_list_frame_ended(struct clip_list *list, struct task *frame)
{
    int i = 0;
    while (i < list->count && !clip_has(list->items[i], frame))
        i++;
    assert(i < list->count); // it outlives its frames
    return clip_frame_ended(list->items[i], frame);
}

static enum status end(struct clip_list *list, int at, struct task *task)
{
    clip_destroy(&list->items[at]);
    list->count--;
    for (int i = at; i < list->count; i++)
        list->items[i] = list->items[i + 1];
    return list->ended(list->context, task);
}

int64_t clip_list_coming(const struct clip_list *list)
{
    int64_t coming = 0;
    for (int i = 0; i < list->count; i++)
        coming += clip_coming(list->items[i]);
    return coming;
}

// The oldest first: it is done the sooner.
static enum status feed(struct clip_list *list, bool *found)
{
    struct dispatcher *dispatcher = list->options.dispatcher;
    bool in_order, fed = true;
    while (fed && dispatcher_wants_more(dispatcher, false, &in_order)) {
        fed = false;
        for (int i = 0; i < list->count && !fed; i++) {
            struct task *task;
            TRY(clip_next(list->items[i], true, &task));
            if (!task)
                continue;
            TRY(dispatcher_put_frame(dispatcher, task));
            fed = *found = true;
        }
    }
    return STATUS_OK;
}

enum status clip_list_turn(struct clip_list *list, bool *found)
{
    for (int i = 0; i < list->count; i++) {
        struct task *task;
        TRY(clip_turn(list->items[i], found, &task));
        if (task)
            TRY(end(list, i--, task));
    }
    return dispatcher_is_stopping(list->options.dispatcher) ? STATUS_OK : feed(list, found);
}

enum status clip_list_stop(struct clip_list *list)
{
    while (list->count > 0) {
        struct task *task;
        TRY(clip_stop(list->items[0], &task));
        TRY(end(list, 0, task));
    }
    return STATUS_OK;
}
