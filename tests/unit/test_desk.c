// SPDX-License-Identifier: MIT
// Works at a desk: in their order, on another thread, none after a failure, each destroyed.
#include "coordinator/desk.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit.h"

enum { MANY = 200 };

static int order[MANY], ran, destroyed;
static pthread_t tester;
static bool elsewhere;
static atomic_bool begun, open;

enum { UNTIL_OPEN = -1 };

struct job {
    int number;
    int pause; // microseconds, or UNTIL_OPEN
    bool fails;
};

static enum status run(void *data)
{
    const struct job *job = data;
    elsewhere = elsewhere && !pthread_equal(pthread_self(), tester);
    begun = true;
    while (job->pause == UNTIL_OPEN && !open)
        usleep(100);
    if (job->pause > 0)
        usleep((useconds_t)job->pause);
    order[ran++] = job->number;
    return job->fails ? fail(STATUS_IO, "job %d", job->number) : STATUS_OK;
}

static void destroy(void *data)
{
    destroyed++;
    free(data);
}

static struct desk *begin(void)
{
    struct desk *desk;
    ran = destroyed = 0;
    elsewhere = true;
    begun = open = false;
    tester = pthread_self();
    UNIT_OK(desk_create(&desk));
    return desk;
}

static void put(struct desk *desk, int number, int pause, bool fails)
{
    struct job *job = malloc(sizeof *job);
    *job = (struct job){number, pause, fails};
    desk_put(desk, &(struct desk_work){.run = run, .destroy = destroy, .data = job});
}

// Far more than may wait.
static void all_in_order(void)
{
    struct desk *desk = begin();
    double seconds = 0;
    for (int i = 0; i < MANY; i++)
        put(desk, i, i < 10 ? 2000 : 0, false);
    UNIT_OK(desk_finish(&desk, &seconds));
    CU_ASSERT_PTR_NULL(desk);
    CU_ASSERT(ran == MANY && destroyed == MANY && elsewhere);
    CU_ASSERT(seconds >= 0.02);
    for (int i = 0; i < MANY; i++)
        CU_ASSERT_EQUAL(order[i], i);
}

static void full(void)
{
    struct desk *desk = begin();
    CU_ASSERT(desk_has_room(desk));
    put(desk, 0, UNTIL_OPEN, false);
    while (!begun)
        usleep(100);
    for (int i = 1; i < 4; i++) {
        CU_ASSERT(desk_has_room(desk));
        put(desk, i, 0, false);
    }
    CU_ASSERT(!desk_has_room(desk));
    open = true;
    UNIT_OK(desk_finish(&desk, NULL));
    CU_ASSERT_EQUAL(ran, 4);
}

static void nothing_after_a_failure(void)
{
    struct desk *desk = begin();
    for (int i = 0; i < 6; i++)
        put(desk, i, 0, i == 2 || i == 4);
    CU_ASSERT_EQUAL(desk_finish(&desk, NULL), STATUS_IO);
    CU_ASSERT_STRING_EQUAL(status_message(), "job 2");
    CU_ASSERT(ran == 3 && destroyed == 6);
}

static void ended_without_waiting(void)
{
    struct desk *desk = begin();
    put(desk, 0, UNTIL_OPEN, false);
    CU_ASSERT(desk_has_room(desk));
    for (int i = 1; i < 4; i++)
        put(desk, i, 0, false);
    desk_end(desk);
    CU_ASSERT(!desk_is_done(desk));
    open = true;
    for (int i = 0; i < 2000 && !desk_is_done(desk); i++)
        usleep(1000);
    CU_ASSERT(desk_is_done(desk));
    CU_ASSERT_EQUAL(ran, 4);
    CU_ASSERT(desk_has_room(desk));
    UNIT_OK(desk_finish(&desk, NULL));
}

static void abandoned(void)
{
    struct desk *desk = begin();
    for (int i = 0; i < 3; i++)
        put(desk, i, 200000, false);
    desk_abandon(&desk);
    CU_ASSERT_PTR_NULL(desk);
    CU_ASSERT(ran <= 1 && destroyed == 3);
    desk_abandon(&desk);
}

static const struct unit_test tests[] = {
    {"all in order", all_in_order},
    {"full", full},
    {"nothing after a failure", nothing_after_a_failure},
    {"ended without waiting", ended_without_waiting},
    {"abandoned", abandoned},
};
UNIT_MAIN("desk", tests)
