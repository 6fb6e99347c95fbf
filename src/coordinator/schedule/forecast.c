// SPDX-License-Identifier: MIT
#include "coordinator/schedule/forecast.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    int number; // in the caller's order
    double alone;
};

// Those that can be dreamed, largest cost first; equal ones in the caller's order.
struct queue {
    struct entry *entries;
    struct schedule_image *images; // the same in the same order
    int count;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return x->alone != y->alone ? (x->alone < y->alone) - (x->alone > y->alone) : (x->number > y->number) - (x->number < y->number);
}

static void line_up(const struct schedule *schedule, const struct schedule_image *images, int count, struct queue *queue)
{
    queue->count = 0;
    for (int i = 0; i < count; i++) {
        struct entry *entry = &queue->entries[queue->count];
        entry->number = i;
        if (schedule_cost(schedule, images[i], 1, &entry->alone) == STATUS_OK && schedule_least(schedule, images[i]) > 0)
            queue->count++;
    }
    qsort(queue->entries, (size_t)queue->count, sizeof *queue->entries, compare_entries);
    for (int i = 0; i < queue->count; i++)
        queue->images[i] = images[queue->entries[i].number];
}

void forecast_occupy(double *free_at, int workers, int team, double done)
{
    int after = team;
    while (after < workers && free_at[after] < done)
        after++;
    memmove(free_at, free_at + team, (size_t)(after - team) * sizeof *free_at);
    for (int w = after - team; w < after; w++)
        free_at[w] = done;
}

static enum status play(const struct schedule *schedule, const struct queue *queue, double *free_at, double *busy, int *teams)
{
    for (int i = 0; i < queue->count; i++) {
        double cost;
        for (int w = 0; w < schedule->workers; w++)
            busy[w] = free_at[w] - free_at[0];
        const struct schedule_state state = {.busy = busy, .waiting = queue->images + i, .waiting_count = queue->count - i};
        const int team = teams[queue->entries[i].number] = schedule_team(schedule, &state);
        TRY(schedule_cost(schedule, queue->images[i], team, &cost));
        forecast_occupy(free_at, schedule->workers, team, free_at[team - 1] + cost);
    }
    return STATUS_OK;
}

enum status forecast_run(const struct schedule *schedule, const struct schedule_image *images, int count, int *teams,
                         struct forecast *forecast)
{
    const size_t room = (size_t)count + 1, workers = (size_t)schedule->workers; // calloc(0) may be NULL
    struct queue queue = {.entries = calloc(room, sizeof *queue.entries), .images = calloc(room, sizeof *queue.images)};
    double *free_at = calloc(workers, sizeof *free_at), *busy = calloc(workers, sizeof *busy), work = 0;
    enum status rc;
    memset(teams, 0, (size_t)count * sizeof *teams);
    TRY_OUT(queue.entries && queue.images && free_at && busy ? STATUS_OK : no_memory("to look %d images ahead", count));
    line_up(schedule, images, count, &queue);
    TRY_OUT(play(schedule, &queue, free_at, busy, teams));
    for (int i = 0; i < queue.count; i++)
        work += queue.entries[i].alone;
    forecast->end = free_at[workers - 1];
    forecast->busy = work > 0 ? work / ((double)workers * forecast->end) : 0;
out:
    free(busy);
    free(free_at);
    free(queue.images);
    free(queue.entries);
    return rc;
}
