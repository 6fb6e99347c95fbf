// SPDX-License-Identifier: MIT
// Works in a queue: in their order, on another thread, none after a failure, each destroyed.
#include "common/system/work_queue.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit.h"

enum { MANY = 200 };

static int order[MANY], ran, destroyed;
static pthread_t tester;
static bool elsewhere;
static sem_t begun, gate; // of jobs that wait

enum kind { QUICK, SLOW, WAITS, LINGERS, FAILS };
struct job {
    int number;
    enum kind kind;
};

static enum status run(void *data)
{
    const struct job *job = data;
    elsewhere = elsewhere && !pthread_equal(pthread_self(), tester);
    if (job->kind == SLOW)
        usleep(2000);
    if (job->kind == WAITS || job->kind == LINGERS)
        sem_post(&begun);
    if (job->kind == WAITS)
        sem_wait(&gate);
    if (job->kind == LINGERS) // while it is abandoned
        usleep(500000);
    order[ran++] = job->number;
    return job->kind == FAILS ? fail(STATUS_IO, "job %d", job->number) : STATUS_OK;
}

static void destroy(void *data)
{
    destroyed++;
    free(data);
}

static struct work_queue *begin(void)
{
    struct work_queue *queue;
    ran = destroyed = 0;
    elsewhere = true;
    tester = pthread_self();
    CU_ASSERT(sem_init(&begun, 0, 0) == 0 && sem_init(&gate, 0, 0) == 0);
    UNIT_OK(work_queue_create(&queue));
    return queue;
}

static void put(struct work_queue *queue, int number, enum kind kind)
{
    struct job *job = malloc(sizeof *job);
    *job = (struct job){number, kind};
    work_queue_put(queue, &(struct work){.run = run, .destroy = destroy, .data = job});
}

// Far more than may wait.
static void all_in_order(void)
{
    struct work_queue *queue = begin();
    double seconds = 0;
    for (int i = 0; i < MANY; i++)
        put(queue, i, i < 10 ? SLOW : QUICK);
    UNIT_OK(work_queue_finish(&queue, &seconds));
    CU_ASSERT_PTR_NULL(queue);
    CU_ASSERT(ran == MANY && destroyed == MANY && elsewhere);
    CU_ASSERT(seconds >= 0.02);
    for (int i = 0; i < MANY; i++)
        CU_ASSERT_EQUAL(order[i], i);
}

static void full(void)
{
    struct work_queue *queue = begin();
    CU_ASSERT(work_queue_has_room(queue));
    put(queue, 0, WAITS);
    sem_wait(&begun);
    for (int i = 1; i < 4; i++) {
        CU_ASSERT(work_queue_has_room(queue));
        put(queue, i, QUICK);
    }
    CU_ASSERT(!work_queue_has_room(queue));
    sem_post(&gate);
    UNIT_OK(work_queue_finish(&queue, NULL));
    CU_ASSERT_EQUAL(ran, 4);
}

static void nothing_after_a_failure(void)
{
    struct work_queue *queue = begin();
    for (int i = 0; i < 6; i++)
        put(queue, i, i == 2 || i == 4 ? FAILS : QUICK);
    CU_ASSERT_EQUAL(work_queue_finish(&queue, NULL), STATUS_IO);
    CU_ASSERT_STRING_EQUAL(status_message(), "job 2");
    CU_ASSERT(ran == 3 && destroyed == 6);
}

static void ended_without_waiting(void)
{
    struct work_queue *queue = begin();
    put(queue, 0, WAITS);
    CU_ASSERT(work_queue_has_room(queue));
    for (int i = 1; i < 3; i++)
        put(queue, i, QUICK);
    work_queue_end(queue);
    CU_ASSERT(!work_queue_is_done(queue));
    sem_post(&gate);
    for (int i = 0; i < 2000 && !work_queue_is_done(queue); i++)
        usleep(1000);
    CU_ASSERT(work_queue_is_done(queue));
    CU_ASSERT_EQUAL(ran, 3);
    CU_ASSERT(work_queue_has_room(queue));
    UNIT_OK(work_queue_finish(&queue, NULL));
}

static void abandoned(void)
{
    struct work_queue *queue = begin();
    put(queue, 0, LINGERS);
    sem_wait(&begun);
    for (int i = 1; i < 3; i++)
        put(queue, i, QUICK);
    work_queue_abandon(&queue);
    CU_ASSERT_PTR_NULL(queue);
    CU_ASSERT(ran == 1 && destroyed == 3);
    work_queue_abandon(&queue);
}

static const struct unit_test tests[] = {
    {"all in order", all_in_order},
    {"full", full},
    {"nothing after a failure", nothing_after_a_failure},
    {"ended without waiting", ended_without_waiting},
    {"abandoned", abandoned},
};
UNIT_MAIN("work_queue", tests)
