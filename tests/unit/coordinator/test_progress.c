// SPDX-License-Identifier: MIT
// The words of the display, and the display itself on a real terminal and on a pipe.
#include "coordinator/progress/progress.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "still_clock.h"
#include "unit.h"

// Columns of well-formed UTF-8 whose characters are one column each.
static int columns_of(const char *text)
{
    int columns = 0;
    for (; *text; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

static const char *duration(double seconds)
{
    static char text[PROGRESS_LINE_MAX];
    progress_format_summary(text, &(struct progress_state){.total = 1, .done = 1, .elapsed = seconds});
    return strstr(text, " in ") + 4;
}

static const char *rate(double images_per_second)
{
    static char text[PROGRESS_LINE_MAX];
    progress_format_summary(text, &(struct progress_state){.done = 1000, .elapsed = 1000 / images_per_second});
    return strchr(text, '(');
}

static void test_durations(void)
{
    CU_ASSERT_STRING_EQUAL(duration(0), "less than a second");
    CU_ASSERT_STRING_EQUAL(duration(-3), "less than a second");
    CU_ASSERT_STRING_EQUAL(duration(0.99), "less than a second");
    CU_ASSERT_STRING_EQUAL(duration(1), "1s");
    CU_ASSERT_STRING_EQUAL(duration(4.4), "4s");
    CU_ASSERT_STRING_EQUAL(duration(59.6), "1m00s");
    CU_ASSERT_STRING_EQUAL(duration(192), "3m12s");
    CU_ASSERT_STRING_EQUAL(duration(3599.7), "1h00m");
    CU_ASSERT_STRING_EQUAL(duration(7500), "2h05m");
    CU_ASSERT_STRING_EQUAL(duration(86400 * 3 + 3600 * 4 + 59), "3d04h");
    CU_ASSERT(strlen(duration(1e300)) < 31);
}

static void test_rates(void)
{
    CU_ASSERT_STRING_EQUAL(rate(123.4), "(123 images/s)");
    CU_ASSERT_STRING_EQUAL(rate(2.44), "(2.4 images/s)");
    CU_ASSERT_STRING_EQUAL(rate(14.0 / 60), "(14 images/min)");
    CU_ASSERT_STRING_EQUAL(rate(3.1 / 3600), "(3.1 images/h)");
}

static struct progress_state middle(void)
{
    // 375 images of 8 units are known, 371 are done, 2 failed unseen; 623 are still to come and are taken for 8 units each.
    return (struct progress_state){
        .total = 1000, .done = 371, .failed = 2, .sized = 375, .in_flight = 4, .work = 3000, .advanced = 2984, .rate = 20, .elapsed = 150};
}

static void test_estimates(void)
{
    struct progress_state state = middle();
    CU_ASSERT_DOUBLE_EQUAL(progress_fraction(&state), 2984.0 / (3000 + 623 * 8), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(progress_seconds_left(&state), (16 + 623 * 8) / 20.0, 1e-9);
    state.rate = 0;
    CU_ASSERT(progress_seconds_left(&state) < 0);
    state = middle();
    state.total = -1;
    CU_ASSERT(progress_fraction(&state) < 0 && progress_seconds_left(&state) < 0);
    state = (struct progress_state){.total = 3, .done = 1, .failed = 2};
    CU_ASSERT_EQUAL(progress_fraction(&state), 1);
    state = (struct progress_state){.total = 0};
    CU_ASSERT_EQUAL(progress_fraction(&state), 1);
    // The large image is most of the work: one of two done is not half.
    state = (struct progress_state){.total = 2, .done = 1, .sized = 2, .work = 100, .advanced = 10, .rate = 1};
    CU_ASSERT_DOUBLE_EQUAL(progress_fraction(&state), 0.1, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(progress_seconds_left(&state), 90, 1e-9);
    state.advanced = 99.5;
    CU_ASSERT_EQUAL(progress_seconds_left(&state), 1);
    state.advanced = 100; // all steps, but the picture is not written yet
    CU_ASSERT_DOUBLE_EQUAL(progress_fraction(&state), 0.99, 1e-12);
    CU_ASSERT(progress_seconds_left(&state) < 0);
    state.done = 2;
    CU_ASSERT(progress_fraction(&state) == 1 && progress_seconds_left(&state) == 0);
}

// An atlas: two channels of 100 units and a picture of one are known; ten channels and 1000 pictures are still to come.
static void test_atlas(void)
{
    struct progress_state state = {.total = 1013,
                                   .sized = 2,
                                   .work = 200,
                                   .channels = 12,
                                   .dreams_sized = 2,
                                   .dreams_work = 200,
                                   .expected_seen = 3,
                                   .advanced = 100,
                                   .rate = 10};
    CU_ASSERT_DOUBLE_EQUAL(progress_seconds_left(&state), (100 + 10 * 100 + 1001 * 3) / 10.0, 1e-9);
    state.sized++;
    state.work++;
    CU_ASSERT_DOUBLE_EQUAL(progress_seconds_left(&state), (101 + 10 * 100 + 1000) / 10.0, 1e-9);
    state.dreams_sized = 14; // a list has named more
    state.sized = 15;
    state.dreams_work = state.advanced = 1400;
    state.work = 1401;
    CU_ASSERT_DOUBLE_EQUAL(progress_seconds_left(&state), (1 + 998) / 10.0, 1e-9);
}

// What earlier sessions have done counts: of pictures that are done, of those that are seen, and of those that are not.
static void test_earlier(void)
{
    struct progress_state state = {.total = 4, .saved = 50, .expected = 100};
    CU_ASSERT_DOUBLE_EQUAL(progress_fraction(&state), 50.0 / 400, 1e-12);
    state =
        (struct progress_state){.total = 4, .done = 1, .earlier = 1, .sized = 1, .work = 200, .advanced = 200, .saved = 50, .expected = 9};
    CU_ASSERT_DOUBLE_EQUAL(progress_fraction(&state), 250.0 / 800, 1e-12);
    state.rate = 10;
    CU_ASSERT_DOUBLE_EQUAL(progress_seconds_left(&state), 55, 1e-9);
    state.saved = 1e6; // of pictures that are no inputs any more
    CU_ASSERT_DOUBLE_EQUAL(progress_fraction(&state), 0.99, 1e-12);
    state.done = state.sized = state.total = 4;
    CU_ASSERT_EQUAL(progress_fraction(&state), 1);
}

static void test_bar(void)
{
    struct progress_state state = middle();
    char text[PROGRESS_LINE_MAX];
    progress_format_bar(text, &state, 81, false);
    CU_ASSERT_STRING_EQUAL(text, " 37% [=======>            ] 371 of 1000 done, 2 failed, 4 in hand, 4m10s left");
    progress_format_bar(text, &state, 105, true);
    CU_ASSERT_STRING_EQUAL(text, " 37% ▕█████████▋                ▏ 371 of 1000 done, 2 failed, 4 in hand, 2.5 images/s, 4m10s left");
    progress_format_bar(text, &state, 50, false);
    CU_ASSERT_STRING_EQUAL(text, " 37% [====>       ] 371 of 1000 done, 4m10s left");
    progress_format_bar(text, &state, 30, false);
    CU_ASSERT_STRING_EQUAL(text, " 37% 371 of 1000 done");
    progress_format_bar(text, &state, 12, true);
    CU_ASSERT_STRING_EQUAL(text, " 37% 371 of");
    state.total = -1;
    progress_format_bar(text, &state, 100, true);
    CU_ASSERT_STRING_EQUAL(text, "371 done, 2 failed, 4 in hand, 2.5 images/s, 2m30s so far");
}

static void test_bar_fits_any_width(void)
{
    struct progress_state states[] = {
        middle(),
        {.total = -1},
        {.total = 1},
        {.total = 1, .in_flight = 1, .name = "caf\xc3\xa9 \xe7\x8c\xab.png", .place = {1, 4, 6, 20}, .writing = 1},
        {.total = INT64_MAX,
         .done = INT64_MAX / 2,
         .failed = 3,
         .sized = 1,
         .work = 1e300,
         .advanced = 1,
         .rate = 1e-300,
         .elapsed = 1e300}};
    char text[PROGRESS_LINE_MAX];
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        for (int width = -1; width < 3000; width += 1 + width / 100)
            for (int utf8 = 0; utf8 < 2; utf8++) {
                progress_format_bar(text, &states[i], width, utf8);
                CU_ASSERT(columns_of(text) < (width > 1 ? width : 1));
            }
}

static void test_log_and_summary(void)
{
    struct progress_state state = middle();
    char text[PROGRESS_LINE_MAX];
    progress_format_log(text, &state);
    CU_ASSERT_STRING_EQUAL(text, "37%: 371 of 1000 done, 2 failed, 4 in hand, 2.5 images/s, 4m10s left");
    progress_format_summary(text, &state);
    CU_ASSERT_STRING_EQUAL(text, "371 images in 2m30s (2.5 images/s), 2 failed");
    state = (struct progress_state){.total = 1, .done = 1, .elapsed = 4};
    progress_format_summary(text, &state);
    CU_ASSERT_STRING_EQUAL(text, "1 image in 4s");
    state = (struct progress_state){.total = 1, .failed = 1, .elapsed = 4};
    progress_format_summary(text, &state);
    CU_ASSERT_STRING_EQUAL(text, "no image is done after 4s, 1 failed");
    state = (struct progress_state){.total = 6, .done = 6, .elapsed = 0.2};
    progress_format_summary(text, &state);
    CU_ASSERT_STRING_EQUAL(text, "6 images in less than a second");
    state = (struct progress_state){.total = 2, .elapsed = 7};
    progress_format_summary(text, &state);
    CU_ASSERT_STRING_EQUAL(text, "no image is done after 7s");
    state.stopping = true;
    progress_format_summary(text, &state);
    CU_ASSERT_STRING_EQUAL(text, "stopped before the first image was done, after 7s");
    state.failed = 1;
    progress_format_summary(text, &state);
    CU_ASSERT_STRING_EQUAL(text, "stopped before the first image was done, after 7s, 1 failed");
    state = (struct progress_state){.total = 4, .done = 2, .earlier = 2, .elapsed = 7, .stopping = true};
    progress_format_summary(text, &state);
    CU_ASSERT_STRING_EQUAL(text, "stopped before another image was done, after 7s");
    state.done = 4;
    progress_format_summary(text, &state); // those of this session
    CU_ASSERT_STRING_EQUAL(text, "2 images in 7s (17 images/min)");
    state = (struct progress_state){.total = 2, .done = 2, .earlier = 2, .elapsed = 0.1};
    progress_format_summary(text, &state);
    CU_ASSERT_STRING_EQUAL(text, "nothing was to be done");
}

// What has arrived at the other end.
static void drain(int fd, char *text, size_t size)
{
    size_t used = 0;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    for (ssize_t got; used < size - 1 && (got = read(fd, text + used, size - 1 - used)) > 0;)
        used += (size_t)got;
    text[used] = '\0';
}

// What is in hand and what else there is to wait for.
static void test_hand(void)
{
    struct progress_state state = {.total = 1, .elapsed = 5, .reading = 1};
    char text[PROGRESS_LINE_MAX];
    progress_format_log(text, &state);
    CU_ASSERT_STRING_EQUAL(text, "0%: 0 of 1 done, reading 1, 5s so far");
    state = (struct progress_state){.total = 1, .elapsed = 5, .in_flight = 1, .name = "cat.png", .place = {1, 4, 6, 20}};
    progress_format_log(text, &state);
    CU_ASSERT_STRING_EQUAL(text, "0%: 0 of 1 done, cat.png: octave 2 of 4, step 7 of 20, 5s so far");
    progress_format_bar(text, &state, 100, false);
    CU_ASSERT_STRING_EQUAL(text, "  0% [>                       ] 0 of 1 done, cat.png: octave 2 of 4, step 7 of 20, 5s so far");
    state.place.octaves = 0; // explained
    progress_format_log(text, &state);
    CU_ASSERT_STRING_EQUAL(text, "0%: 0 of 1 done, cat.png, 5s so far");
    state.name[0] = '\0';
    state.writing = 2;
    progress_format_log(text, &state);
    CU_ASSERT_STRING_EQUAL(text, "0%: 0 of 1 done, 1 in hand, writing 2, 5s so far");
    state = (struct progress_state){.total = -1, .elapsed = 5, .downloads = 1, .reading = 3, .in_flight = 2};
    progress_format_log(text, &state); // files that are read ahead hold nobody up
    CU_ASSERT_STRING_EQUAL(text, "0 done, 2 in hand, 1 download, 5s so far");
    state.downloads = 2;
    state.in_flight = 0;
    progress_format_log(text, &state);
    CU_ASSERT_STRING_EQUAL(text, "0 done, 2 downloads, reading 3, 5s so far");
}

// The name is the file's, fit for the terminal, and goes when another picture is in hand as well.
static void test_names(void)
{
    static const char *const names[][2] = {{"a/b/cat.png", ", cat.png: "},
                                           {"http://host/a/b.jpg", ", b.jpg: "},
                                           {"a/\033[31m\n", ", ?[31m?: "},
                                           {"\xe7\x8c\xab.png", ", ???.png: "}};
    struct progress *progress;
    int ends[2];
    char text[4096];
    CU_ASSERT_FATAL(pipe(ends) == 0);
    setenv("LC_ALL", "C", 1);
    UNIT_OK(progress_create(&progress, 3, LOG_INFO, ends[1]));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        progress_set_in_flight(progress, 1);
        progress_set_place(progress, names[i][0], &(struct progress_place){0, 4, 0, 20});
        let_pass(31);
        progress_tick(progress);
        ssize_t got = read(ends[0], text, sizeof text - 1);
        text[got > 0 ? got : 0] = '\0';
        CU_ASSERT_PTR_NOT_NULL(strstr(text, names[i][1]));
    }
    progress_set_in_flight(progress, 2);
    progress_set_in_flight(progress, 1);
    let_pass(31);
    progress_tick(progress);
    drain(ends[0], text, sizeof text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, ", 1 in hand, "));
    progress_destroy(&progress);
    close(ends[0]);
    close(ends[1]);
}

static int count(const char *text, const char *part)
{
    int times = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        times++;
    return times;
}

static void run_a_little(int fd, enum log_level level, int ticks)
{
    struct progress *progress;
    UNIT_OK(progress_create(&progress, 2, level, fd));
    progress_add_work(progress, 100, true);
    for (int i = 0; i < ticks; i++) {
        let_pass(0.001);
        progress_advance(progress, 0.1);
    }
    progress_image_done(progress, true);
    progress_image_done(progress, false);
    progress_destroy(&progress);
    CU_ASSERT_PTR_NULL(progress);
    progress_destroy(&progress);
}

// Without pictures there is nothing to say.
static void test_no_images(void)
{
    int ends[2];
    char text[64];
    struct progress *progress;
    CU_ASSERT_FATAL(pipe(ends) == 0);
    UNIT_OK(progress_create(&progress, 0, LOG_INFO, ends[1]));
    progress_destroy(&progress);
    drain(ends[0], text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "");
    close(ends[0]);
    close(ends[1]);
}

static void test_pipe(void)
{
    int ends[2];
    char text[65536];
    CU_ASSERT_FATAL(pipe(ends) == 0);
    run_a_little(ends[1], LOG_INFO, 300);
    drain(ends[0], text, sizeof text);
    CU_ASSERT_EQUAL(strncmp(text, "oneiros: 1 image in ", 20), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, ", 1 failed\n"));
    CU_ASSERT_EQUAL(count(text, "\n"), 1);
    run_a_little(ends[1], LOG_WARNING, 300);
    drain(ends[0], text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "");
    close(ends[0]);
    close(ends[1]);
}

// The first line of a log comes after five seconds, whatever happened until then.
static void test_first_line(void)
{
    int ends[2];
    char text[4096];
    struct progress *progress;
    CU_ASSERT_FATAL(pipe(ends) == 0);
    UNIT_OK(progress_create(&progress, 10, LOG_INFO, ends[1]));
    progress_add_work(progress, 100, true);
    progress_advance(progress, 50);
    let_pass(4.7);
    progress_tick(progress);
    drain(ends[0], text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "");
    let_pass(0.4);
    for (int i = 0; i < 5; i++)
        progress_tick(progress);
    drain(ends[0], text, sizeof text);
    CU_ASSERT_EQUAL(strncmp(text, "oneiros: 5%: 0 of 10 done, 5", 28), 0);
    CU_ASSERT_EQUAL(count(text, "\n"), 1);
    progress_destroy(&progress);
    close(ends[0]);
    close(ends[1]);
}

static int open_terminal(int *other, int columns)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
    CU_ASSERT_FATAL(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    *other = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    CU_ASSERT_FATAL(*other >= 0 && ioctl(*other, TIOCSWINSZ, &size) == 0);
    return terminal;
}

static void test_terminal(void)
{
    int other, terminal = open_terminal(&other, 60);
    char text[65536];
    setenv("TERM", "xterm", 1);
    setenv("LC_ALL", "C", 1);
    const time_t before = time(NULL);
    run_a_little(other, LOG_INFO, 450);
    drain(terminal, text, sizeof text);
    const int draws = count(text, "\r ") + count(text, "\r1");
    CU_ASSERT(draws >= 3 && draws <= 10 * (time(NULL) - before + 1) + 1); // ten a second, not one a call
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "["));
    CU_ASSERT_PTR_NULL(strstr(text, "▕"));
    // The bar is gone before the summary comes.
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\r\033[Koneiros: 1 image in "));

    setenv("LC_ALL", "C.UTF-8", 1);
    run_a_little(other, LOG_INFO, 10);
    drain(terminal, text, sizeof text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "▕"));

    setenv("TERM", "dumb", 1);
    run_a_little(other, LOG_INFO, 200);
    drain(terminal, text, sizeof text);
    CU_ASSERT_PTR_NULL(strstr(text, "\033"));
    CU_ASSERT_EQUAL(strncmp(text, "oneiros: 1 image in ", 20), 0);
    close(other);
    close(terminal);
}

// A log line clears the bar and the bar comes back under it; the width is asked for again at each draw.
static void test_log_lines_and_resizing(void)
{
    int other, terminal = open_terminal(&other, 60), saved = dup(STDERR_FILENO);
    char text[65536];
    struct progress *progress;
    struct winsize narrow = {.ws_row = 24, .ws_col = 20};
    setenv("TERM", "xterm", 1);
    UNIT_OK(progress_create(&progress, 2, LOG_INFO, other));
    progress_tick(progress);
    drain(terminal, text, sizeof text);
    CU_ASSERT_EQUAL(count(text, "\r"), 1);
    dup2(other, STDERR_FILENO);
    log_warning("a line");
    dup2(saved, STDERR_FILENO);
    close(saved);
    drain(terminal, text, sizeof text);
    CU_ASSERT_EQUAL(strncmp(text, "\r\033[Koneiros: warning: a line\r\n\r  0% ", 36), 0);
    ioctl(other, TIOCSWINSZ, &narrow);
    let_pass(0.12);
    progress_tick(progress);
    drain(terminal, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "\r  0% 0 of 2 done\033[K");
    progress_destroy(&progress);
    drain(terminal, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "\r\033[Koneiros: no image is done after less than a second\r\n");
    close(other);
    close(terminal);
}

static const struct unit_test tests[] = {
    {"durations", test_durations},
    {"rates", test_rates},
    {"estimates", test_estimates},
    {"earlier", test_earlier},
    {"atlas", test_atlas},
    {"bar", test_bar},
    {"bar fits any width", test_bar_fits_any_width},
    {"log and summary", test_log_and_summary},
    {"hand", test_hand},
    {"names", test_names},
    {"no images", test_no_images},
    {"pipe", test_pipe},
    {"first line", test_first_line},
    {"terminal", test_terminal},
    {"log lines and resizing", test_log_lines_and_resizing},
};
UNIT_MAIN("progress", tests)
