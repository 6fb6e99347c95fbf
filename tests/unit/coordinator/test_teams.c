// SPDX-License-Identifier: MIT
// Who waits for whom: an image had better wait for workers that are nearly done, by what they have reported.
#include "coordinator/schedule/teams.h"

#include "schedule_cases.h"

// Ranks for an image of many tiles while two of three workers have a larger one in hand, of which this much is done.
static int chosen(double work_done, double part)
{
    const struct schedule schedule = flat_schedule_for(3);
    struct teams teams;
    struct task_queue ready = {0};
    struct task *tasks[2];
    int members = 0;
    UNIT_OK(teams_create(&teams, &schedule, 1));
    for (int i = 0; i < 2; i++) {
        const struct schedule_image size = image_of_tiles(i == 0 ? 10 : 6, i == 0 ? 6 : 4);
        tasks[i] = task_create();
        tasks[i]->image.width = size.width;
        tasks[i]->image.height = size.height;
        tasks[i]->work = 100;
    }
    UNIT_OK(teams_assign(&teams, tasks[0], 2));
    tasks[0]->work_done = work_done;
    tasks[0]->part = part;
    task_queue_put(&ready, tasks[1]);
    CU_ASSERT_EQUAL(teams.free_workers, 1);
    UNIT_OK(teams_choose(&teams, &ready, 0, &members));
    task_queue_clear(&ready);
    teams_destroy(&teams);
    return members;
}

static void test_progress(void)
{
    CU_ASSERT_EQUAL(chosen(0, 0), 1);
    CU_ASSERT_EQUAL(chosen(99, 0), 3);
    CU_ASSERT_EQUAL(chosen(0, 99), 3); // one long step, as of an explanation
    CU_ASSERT_EQUAL(chosen(50, 49), 3);
}

static const struct unit_test tests[] = {{"progress", test_progress}};
UNIT_MAIN("teams", tests)
