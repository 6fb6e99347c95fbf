// SPDX-License-Identifier: MIT
// Forecasts beside runs that are played through plainly, and beside what fixed sizes of teams would do.
#include "coordinator/schedule/forecast.h"

#include "schedule_cases.h"

static struct forecast forecast_for(const struct schedule *schedule, const struct schedule_image *images, int count, int *teams)
{
    struct forecast forecast = {0};
    UNIT_OK(forecast_run(schedule, images, count, teams, &forecast));
    return forecast;
}

static void test_known_runs(void)
{
    struct schedule schedule = flat_schedule_for(8);
    const double window = 21.0 * 512 * 512; // cost of a tile
    const struct schedule_image images[] = {image_of_tiles(1, 1), image_of_tiles(2, 2), image_of_tiles(2, 2)};
    int teams[3];
    struct forecast forecast = forecast_for(&schedule, images + 1, 2, teams); // four ranks each
    CU_ASSERT(teams[0] == 4 && teams[1] == 4);
    CU_ASSERT_EQUAL(forecast.end, window);
    CU_ASSERT_EQUAL(forecast.busy, 1);

    schedule = flat_schedule_for(4); // the larger ones first, side by side; the small one behind them
    forecast = forecast_for(&schedule, images, 3, teams);
    CU_ASSERT(teams[0] == 1 && teams[1] == 2 && teams[2] == 2);
    CU_ASSERT_EQUAL(forecast.end, 3 * window);
    CU_ASSERT_EQUAL(forecast.busy, 9.0 / 12);
}

static void test_what_fits_no_team_is_left_out(void)
{
    struct schedule schedule = flat_schedule_for(4);
    const struct schedule_image images[] = {{100, 100, false}, image_of_tiles(9, 9), {90, 90, false}};
    int teams[3] = {-1, -1, -1};
    schedule.memory_limit = (uint64_t)ceil(schedule_memory(&schedule, images[0], 1));
    const struct forecast forecast = forecast_for(&schedule, images, 3, teams);
    CU_ASSERT(teams[0] == 1 && teams[1] == 0 && teams[2] == 1);
    CU_ASSERT_EQUAL(forecast.end, cost_of(&schedule, images[0], 1));
}

static void test_nothing(void)
{
    const struct schedule schedule = schedule_for(3);
    const struct schedule_image image = {100, 100, false};
    int teams[1];
    const struct forecast forecast = forecast_for(&schedule, &image, 0, teams);
    CU_ASSERT(forecast.end == 0 && forecast.busy == 0);
}

// Plays a run through, each image placed when its team is free; `fixed`: ranks for each, or schedule_team() decides.
static double play(const struct schedule *schedule, const struct schedule_image *images, int count, int fixed)
{
    double times[WORKERS_MAX] = {0}, busy[WORKERS_MAX], end = 0;
    for (int i = 0; i < count; i++) {
        const int most = most_of(schedule, images[i]);
        qsort(times, (size_t)schedule->workers, sizeof *times, compare_doubles);
        for (int w = 0; w < schedule->workers; w++)
            busy[w] = times[w] - times[0];
        const int team =
            fixed ? (fixed < most ? fixed : most) : schedule_team(schedule, &(struct schedule_state){busy, images + i, count - i, 0});
        end = fmax(end, place(times, schedule->workers, team, cost_of(schedule, images[i], team)));
    }
    return end;
}

static void test_whole_runs(void)
{
    uint32_t random = 11;
    double ideal = 0, ours = 0, ones = 0, all = 0, worst = 0;
    for (int i = 0; i < unit_cases(200, 50); i++) {
        const struct schedule schedule = schedule_for(1 + (int)next_random(&random, 32));
        struct schedule_image images[64];
        int teams[64];
        const int count = 1 + (int)next_random(&random, 64);
        double work = 0;
        for (int k = 0; k < count; k++) {
            images[k] = random_image(&random, 3000);
            work += cost_of(&schedule, images[k], 1);
        }
        const double end = forecast_for(&schedule, images, count, teams).end;
        sort_images(&schedule, images, count);
        CU_ASSERT_EQUAL(end, play(&schedule, images, count, 0));
        const double one = play(&schedule, images, count, 1), every = play(&schedule, images, count, schedule.workers);
        ideal += work / schedule.workers;
        ours += end;
        ones += one;
        all += every;
        worst = fmax(worst, end / fmin(one, every));
    }
    printf("work/workers 1, ours %.3f, always one %.3f, always all %.3f, at worst %.3f of the better; ", ours / ideal, ones / ideal,
           all / ideal, worst);
    CU_ASSERT(ours < ones && ours < all);
}

static const struct unit_test tests[] = {
    {"known runs", test_known_runs},
    {"what fits no team is left out", test_what_fits_no_team_is_left_out},
    {"nothing", test_nothing},
    {"whole runs", test_whole_runs},
};
UNIT_MAIN("forecast", tests)
