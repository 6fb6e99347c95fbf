// SPDX-License-Identifier: MIT
// What the display says of the time left, on a clock that the test puts forward.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/progress/progress.h"
#include "still_clock.h"
#include "unit.h"

// The last line in the pipe.
static const char *last_line(int end)
{
    static char text[1 << 16];
    const ssize_t got = read(end, text, sizeof text - 1);
    CU_ASSERT_FATAL(got > 0 && text[got - 1] == '\n');
    text[got - 1] = '\0';
    const char *line = strrchr(text, '\n');
    return line ? line + 1 : text;
}

// An image that failed before its work was known, or whose work is none, says nothing of those that will come.
static void test_failed_images(void)
{
    struct progress *progress;
    int ends[2];
    CU_ASSERT_FATAL(pipe(ends) == 0);
    UNIT_OK(progress_create(&progress, 4, LOG_INFO, ends[1]));
    progress_add_work(progress, 100, true);
    progress_advance(progress, 100);
    progress_image_done(progress, true);
    progress_add_work(progress, 0, true);
    progress_image_done(progress, false);
    let_pass(10); // 10 units a second, and two more images of 100
    progress_tick(progress);
    const char *line = last_line(ends[0]);
    CU_ASSERT(strncmp(line, "oneiros: 33%: 1 of 4 done, 1 failed", 35) == 0 && strstr(line, " 20s left"));
    progress_destroy(&progress);
    close(ends[0]);
    close(ends[1]);
}

// What an earlier session has done is done, and no speed; what is lost of an explanation is no slowness.
static void test_earlier_sessions(void)
{
    struct progress *progress;
    UNIT_OK(progress_create(&progress, 4, LOG_ERROR, STDERR_FILENO));
    progress_add_earlier(progress, 100, true);
    progress_set_saved(progress, 50, 80);
    struct progress_state state = progress_now(progress);
    CU_ASSERT(state.done == 1 && state.earlier == 1 && state.rate == 0);
    CU_ASSERT_DOUBLE_EQUAL(progress_fraction(&state), 150.0 / 400, 1e-12);
    progress_set_saved(progress, 0, 0);
    progress_add_work(progress, 100, true);
    progress_take_up(progress, 50);
    let_pass(5);
    progress_advance(progress, 25);
    state = progress_now(progress);
    CU_ASSERT_DOUBLE_EQUAL(progress_fraction(&state), 175.0 / 400, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(state.rate, 5, 1e-9);
    progress_take_up(progress, -25);
    let_pass(5);
    state = progress_now(progress);
    CU_ASSERT_DOUBLE_EQUAL(progress_fraction(&state), 150.0 / 400, 1e-12);
    CU_ASSERT(state.rate > 2 && state.rate < 3);
    progress_destroy(&progress);
}

// A minute's pause in a run of an hour is no reason to expect another pace.
static void test_long_runs_forget_slowly(void)
{
    struct progress *progress;
    int ends[2];
    CU_ASSERT_FATAL(pipe(ends) == 0);
    UNIT_OK(progress_create(&progress, 1, LOG_INFO, ends[1]));
    progress_add_work(progress, 7200, true);
    for (int i = 0; i < 3600; i++) {
        let_pass(1);
        progress_advance(progress, 1);
    }
    let_pass(60);
    progress_tick(progress);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_line(ends[0]), " 1h0"));
    progress_destroy(&progress);
    close(ends[0]);
    close(ends[1]);
}

static const struct unit_test tests[] = {
    {"failed images", test_failed_images},
    {"earlier sessions", test_earlier_sessions},
    {"long runs forget slowly", test_long_runs_forget_slowly},
};
UNIT_MAIN("estimates of the display", tests)
