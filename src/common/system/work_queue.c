// SPDX-License-Identifier: MIT
#include "common/system/work_queue.h"

#include <omp.h>
#include <stdatomic.h>
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
    bool ending;      // no more works come
    bool abandoned;   // nor is anybody interested in those that are there
    atomic_bool done; // the thread has nothing left to do
    // The thread's own, while it runs.
    enum status status; // of the first failure
    char error[STATUS_MESSAGE_MAX];
    double seconds;
};

// Waits for something to do; false when nothing will come.
static bool take(struct work_queue *q, struct work *work, bool *wanted)
{
    pthread_mutex_lock(&q->mutex);
    while (q->count == 0 && !q->ending)
        pthread_cond_wait(&q->changed, &q->mutex);
    const bool taken = q->count > 0;
    if (taken) {
        *work = q->waiting[q->first];
        q->first = (q->first + 1) % WAITING_MAX;
        q->count--;
        pthread_cond_signal(&q->changed);
    }
    *wanted = !q->abandoned;
    pthread_mutex_unlock(&q->mutex);
    return taken;
}

static void *run(void *data)
{
    struct work_queue *q = data;
    struct work work;
    bool wanted;
    omp_set_num_threads(1); // of this thread: the others are busy dreaming
    while (take(q, &work, &wanted)) {
        const double start = now();
        if (q->status == STATUS_OK && wanted)
            q->status = work.run(work.data);
        if (q->status != STATUS_OK && !q->error[0])
            snprintf(q->error, sizeof q->error, "%s", status_message()); // messages are kept by thread
        work.destroy(work.data);
        q->seconds += now() - start;
    }
    q->done = true;
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
    TRY(ALLOCATE(*queue, 1, "for the outputs of an image"));
    struct work_queue *q = *queue;
    pthread_mutex_init(&q->mutex, NULL);
    pthread_cond_init(&q->changed, NULL);
    const enum status rc = thread_start(&q->thread, run, q);
    if (rc != STATUS_OK)
        work_queue_free(queue);
    return rc;
}

void work_queue_put(struct work_queue *q, const struct work *work)
{
    pthread_mutex_lock(&q->mutex);
    while (q->count == WAITING_MAX)
        pthread_cond_wait(&q->changed, &q->mutex);
    q->waiting[(q->first + q->count++) % WAITING_MAX] = *work;
    pthread_cond_signal(&q->changed);
    pthread_mutex_unlock(&q->mutex);
}

bool work_queue_has_room(struct work_queue *q)
{
    pthread_mutex_lock(&q->mutex);
    const bool room = q->count < WAITING_MAX;
    pthread_mutex_unlock(&q->mutex);
    return room;
}

static void end(struct work_queue *q, bool abandoned)
{
    pthread_mutex_lock(&q->mutex);
    q->ending = true;
    q->abandoned = q->abandoned || abandoned;
    pthread_cond_signal(&q->changed);
    pthread_mutex_unlock(&q->mutex);
}

void work_queue_end(struct work_queue *q)
{
    end(q, false);
}

bool work_queue_is_done(struct work_queue *q)
{
    return q->done;
}

enum status work_queue_finish(struct work_queue **queue, double *seconds)
{
    struct work_queue *q = *queue;
    work_queue_end(q);
    pthread_join(q->thread, NULL);
    const enum status rc = q->status == STATUS_OK ? STATUS_OK : fail(q->status, "%s", q->error);
    if (seconds)
        *seconds = q->seconds;
    work_queue_free(queue);
    return rc;
}

void work_queue_abandon(struct work_queue **queue)
{
    struct work_queue *q = *queue;
    if (!q)
        return;
    end(q, true);
    pthread_join(q->thread, NULL);
    work_queue_free(queue);
}
