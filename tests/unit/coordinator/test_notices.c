// SPDX-License-Identifier: MIT
// A million pictures with something to say of each: a few lines.
#include "coordinator/progress/notices.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/system/log.h"
#include "coordinator/task/task_notices.h"
#include "unit.h"

static int saved, capture; // standard error, and the file in its place

static void begin(enum log_level level)
{
    log_set_level(level);
    capture = open("log.txt", O_RDWR | O_CREAT | O_TRUNC, 0600);
    saved = dup(STDERR_FILENO);
    CU_ASSERT_FATAL(capture >= 0 && saved >= 0 && dup2(capture, STDERR_FILENO) == STDERR_FILENO);
}

static void expect(const char *text)
{
    char log[4096] = "";
    CU_ASSERT(dup2(saved, STDERR_FILENO) == STDERR_FILENO);
    CU_ASSERT(pread(capture, log, sizeof log - 1, 0) >= 0);
    close(saved);
    close(capture);
    unlink("log.txt");
    log_set_level(LOG_INFO);
    CU_ASSERT_STRING_EQUAL(log, text);
}

static void say(struct notices *notices, const char *source, int kinds, const enum image_notice *kind)
{
    struct image image = {0};
    for (int i = 0; i < kinds; i++)
        image_notice(&image, kind[i], "what %d", (int)kind[i]);
    notices_say(notices, source, &image);
    CU_ASSERT(image.notices == 0 && image.notice[0] == '\0');
}
#define SAY(notices, source, ...)                                                                                                          \
    say(notices, source, sizeof((enum image_notice[]){__VA_ARGS__}) / sizeof(enum image_notice), (enum image_notice[]){__VA_ARGS__})

static void test_many(void)
{
    struct notices notices = {0};
    begin(LOG_INFO);
    for (int i = 0; i < 1000000; i++)
        SAY(&notices, "a", NOTICE_PAGES);
    SAY(&notices, "b", NOTICE_SILENT);
    say(&notices, "c", 0, NULL);
    notices_end(&notices);
    expect("oneiros: a: what 0\noneiros: warning: b: what 7\n"
           "oneiros: 999999 more pictures like that: of several pages or frames the first is taken\n");
}

// Of several kinds in one picture those that were said before are counted, too.
static void test_several(void)
{
    struct notices notices = {0};
    begin(LOG_INFO);
    SAY(&notices, "a", NOTICE_PAGES);
    SAY(&notices, "b", NOTICE_PAGES, NOTICE_INKS);
    SAY(&notices, "c", NOTICE_INKS, NOTICE_PAGES);
    notices_end(&notices);
    expect("oneiros: a: what 0\noneiros: b: what 0; what 2\n"
           "oneiros: 2 more pictures like that: of several pages or frames the first is taken\n"
           "oneiros: 1 more picture like that: CMYK without a profile, its colours are a guess\n");
}

static void test_levels(void)
{
    struct notices notices = {0};
    begin(LOG_WARNING);
    SAY(&notices, "a", NOTICE_PAGES);
    SAY(&notices, "b", NOTICE_SILENT, NOTICE_OCTAVES);
    notices_end(&notices);
    expect("oneiros: warning: b: what 7; what 5\n");
    begin(LOG_DEBUG);
    SAY(&notices, "c", NOTICE_PAGES);
    notices_end(&notices);
    expect("oneiros: c: what 0\noneiros: 1 more picture like that: of several pages or frames the first is taken\n");
}

// Every kind has words.
static void test_kinds(void)
{
    struct notices notices = {0};
    begin(LOG_ERROR);
    for (int kind = 0; kind < NOTICE_KINDS; kind++)
        for (int i = 0; i < 2; i++)
            SAY(&notices, "a", (enum image_notice)kind);
    notices_end(&notices);
    expect("");
    for (int kind = 0; kind < NOTICE_KINDS; kind++)
        CU_ASSERT_EQUAL(notices.counts[kind], 2);
}

static void expect_loaded(int width, int height, const char *setting, bool explains, unsigned kinds)
{
    struct config config;
    struct task *task = task_create();
    uint16_t alpha = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    config_init(&config);
    UNIT_OK(config_set(&config, setting));
    task->image.width = width;
    task->image.height = height;
    task->image.alpha = &alpha;
    task_notices_loaded(&task->image, &config, explains);
    CU_ASSERT_EQUAL(task->image.notices, kinds);
    task->image.alpha = NULL;
    task_destroy(&task);
}

static void test_loaded(void)
{
    expect_loaded(206, 300, "octaves.count=4", false, 0);
    expect_loaded(204, 300, "octaves.count=4", false, 1u << NOTICE_OCTAVES);
    expect_loaded(204, 300, "octaves.count=4", true, 0);
    expect_loaded(300, 300, "output.format=jpeg", false, 1u << NOTICE_ALPHA);
    expect_loaded(300, 300, "output.format=jpeg", true, 0);
}

static unsigned done(enum image_status status, double first, double second, double before)
{
    struct config config;
    struct task *task = task_create();
    struct step_row steps[2] = {{.targets[1].loss = first, .targets[0].loss = 1}, {.targets[1].loss = second, .targets[0].loss = 1}};
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    config_init(&config); // has two targets
    task->record.status = status;
    task->record.before.targets[0].loss = 1;
    task->record.before.targets[1].loss = before;
    for (int i = 0; i < 2 && first >= 0; i++)
        UNIT_OK(image_rows_add_step(&task->results.rows, &steps[i]));
    task_notices_done(task, &config);
    const unsigned kinds = task->image.notices;
    task_destroy(&task);
    return kinds;
}

static void test_done(void)
{
    CU_ASSERT_EQUAL(done(IMAGE_DONE, 0, 0, 1), 1u << NOTICE_SILENT);
    CU_ASSERT_EQUAL(done(IMAGE_DONE, 0, 1e-9, 0), 0);
    CU_ASSERT_EQUAL(done(IMAGE_DONE, -1, 0, 0), 1u << NOTICE_SILENT); // an explanation has no steps
    CU_ASSERT_EQUAL(done(IMAGE_DONE, -1, 0, 1), 0);
    CU_ASSERT_EQUAL(done(IMAGE_FAILED, 0, 0, 0), 0);
}

static const struct unit_test tests[] = {
    {"a million pictures", test_many}, {"several kinds in one", test_several},        {"levels", test_levels},
    {"every kind", test_kinds},        {"of pictures that were loaded", test_loaded}, {"of dreams that are done", test_done},
};
UNIT_MAIN("notices", tests)
