// SPDX-License-Identifier: MIT
#include "common/system/work_queue.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/system/clock.h"
#include "common/system/thread.h"

enum { WAITING_MAX = 3 }; // works, some with a frame of 12 bytes a pixel

struct work_queue {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    // Under the mutex.
    struct work waiting[WAITING_MAX]; // a ring
    int first, count;
    bool ending;    // no more works come
    bool abandoned; // nor is anybody interested in those that are there
    bool done;      // the thread has nothing left to do
    // The thread's own, while it runs.
    enum status status; // of the first failure
    char error[STATUS_MESSAGE_MAX];
    double seconds;
};

// Waits for something to do; false when nothing will come.
static bool take(struct work_queue *d, struct work *work, bool *wanted)
{
    pthread_mutex_lock(&d->mutex);
    while (d->count == 0 && !d->ending)
        pthread_cond_wait(&d->changed, &d->mutex);
    const bool taken = d->count > 0;
    if (taken) {
        *work = d->waiting[d->first];
        d->first = (d->first + 1) % WAITING_MAX;
        d->count--;
        pthread_cond_signal(&d->changed);
    }
    *wanted = !d->abandoned;
    pthread_mutex_unlock(&d->mutex);
    return taken;
}

static void *run(void *data)
{
    struct work_queue *d = data;
    struct work work;
    bool wanted;
    omp_set_num_threads(1); // of this thread: the others are busy dreaming
    while (take(d, &work, &wanted)) {
        const double start = now();
        if (d->status == STATUS_OK && wanted)
            d->status = work.run(work.data);
        if (d->status != STATUS_OK && !d->error[0])
            snprintf(d->error, sizeof d->error, "%s", status_message()); // messages are kept by thread
        work.destroy(work.data);
        d->seconds += now() - start;
    }
    pthread_mutex_lock(&d->mutex);
    d->done = true;
    pthread_mutex_unlock(&d->mutex);
    return NULL;
}

static void work_queue_free(struct work_queue **queue)
{
    pthread_mutex_destroy(&(*queue)->mutex);
    pthread_cond_destroy(&(*queue)->changed);
    free(*queue);
    *queue = NULL;
}

enum status work_queue_create(struct work_queue **queue)
{
    struct work_queue *d = *queue = calloc(1, sizeof *d);
    if (!d)
        return fail(STATUS_LIMIT, "no memory for the outputs of an image");
    pthread_mutex_init(&d->mutex, NULL);
    pthread_cond_init(&d->changed, NULL);
    const enum status rc = thread_start(&d->thread, run, d);
    if (rc != STATUS_OK)
        work_queue_free(queue);
    return rc;
}

void work_queue_put(struct work_queue *d, const struct work *work)
{
    pthread_mutex_lock(&d->mutex);
    while (d->count == WAITING_MAX)
        pthread_cond_wait(&d->changed, &d->mutex);
    d->waiting[(d->first + d->count++) % WAITING_MAX] = *work;
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->mutex);
}

bool work_queue_has_room(struct work_queue *d)
{
    pthread_mutex_lock(&d->mutex);
    const bool room = d->count < WAITING_MAX;
    pthread_mutex_unlock(&d->mutex);
    return room;
}

static void end(struct work_queue *d, bool abandoned)
{
    pthread_mutex_lock(&d->mutex);
    d->ending = true;
    d->abandoned = d->abandoned || abandoned;
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->mutex);
}

void work_queue_end(struct work_queue *d)
{
    end(d, false);
}

bool work_queue_is_done(struct work_queue *d)
{
    pthread_mutex_lock(&d->mutex);
    const bool done = d->done;
    pthread_mutex_unlock(&d->mutex);
    return done;
}

enum status work_queue_finish(struct work_queue **queue, double *seconds)
{
    struct work_queue *d = *queue;
    work_queue_end(d);
    pthread_join(d->thread, NULL);
    const enum status rc = d->status == STATUS_OK ? STATUS_OK : fail(d->status, "%s", d->error);
    if (seconds)
        *seconds = d->seconds;
    work_queue_free(queue);
    return rc;
}

void work_queue_abandon(struct work_queue **queue)
{
    struct work_queue *d = *queue;
    if (!d)
        return;
    end(d, true);
    pthread_join(d->thread, NULL);
    work_queue_free(queue);
}
