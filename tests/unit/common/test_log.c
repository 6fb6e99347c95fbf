// SPDX-License-Identifier: MIT
// What arrives on standard error: by level, a line a write, whatever its length, and around it what a display asks for.
#include "common/system/log.h"

#include <unistd.h>

#include "common/system/thread.h"
#include "unit.h"

// What is said while `say` runs; a pipe holds it.
static const char *hear(void (*say)(void))
{
    static char text[4 * STATUS_MESSAGE_MAX];
    int ends[2];
    const int before = dup(STDERR_FILENO);
    CU_ASSERT_FATAL(before >= 0 && pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    say();
    dup2(before, STDERR_FILENO);
    close(before);
    close(ends[1]);
    const ssize_t size = read(ends[0], text, sizeof text - 1);
    text[size > 0 ? size : 0] = '\0';
    close(ends[0]);
    return text;
}

static void all_levels(void)
{
    log_error("a %d", 1);
    log_warning("b");
    log_info("c");
    log_debug("d");
}

static void test_levels(void)
{
    static const char *const heard[] = {
        [LOG_ERROR] = "oneiros: error: a 1\n",
        [LOG_WARNING] = "oneiros: error: a 1\noneiros: warning: b\n",
        [LOG_INFO] = "oneiros: error: a 1\noneiros: warning: b\noneiros: c\n",
        [LOG_DEBUG] = "oneiros: error: a 1\noneiros: warning: b\noneiros: c\noneiros: d\n",
    };
    CU_ASSERT_EQUAL(log_get_level(), LOG_INFO);
    for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
        log_set_level((enum log_level)level);
        CU_ASSERT_STRING_EQUAL(hear(all_levels), heard[level]);
    }
    log_set_level(LOG_INFO);
}

static int width;

static void wide(void)
{
    log_info("%*s", width, "end");
}

// Whole or cut, it is one line.
static void test_long(void)
{
    for (width = STATUS_MESSAGE_MAX; width < 2 * STATUS_MESSAGE_MAX; width++) {
        const char *text = hear(wide);
        CU_ASSERT(strlen(text) >= STATUS_MESSAGE_MAX && strlen(text) <= STATUS_MESSAGE_MAX + 512);
        CU_ASSERT_EQUAL(strchr(text, '\n'), text + strlen(text) - 1);
    }
}

static void clear(void)
{
    (void)!write(STDERR_FILENO, "<", 1);
}

static void draw(void)
{
    (void)!write(STDERR_FILENO, ">", 1);
}

static void hello(void)
{
    log_info("hello");
}

static void *run(void *data)
{
    hello();
    return data;
}

static void elsewhere(void)
{
    pthread_t thread;
    UNIT_OK(thread_start(&thread, run, NULL));
    pthread_join(thread, NULL);
}

static void test_display(void)
{
    log_set_hooks(clear, draw);
    CU_ASSERT_STRING_EQUAL(hear(hello), "<oneiros: hello\n>");
    CU_ASSERT_STRING_EQUAL(hear(elsewhere), "\r\033[Koneiros: hello\n"); // wiped out
    log_set_hooks(NULL, NULL);
    CU_ASSERT_STRING_EQUAL(hear(hello), "oneiros: hello\n");
    CU_ASSERT_STRING_EQUAL(hear(elsewhere), "oneiros: hello\n");
}

static const struct unit_test tests[] = {{"levels", test_levels}, {"long lines", test_long}, {"a display", test_display}};
UNIT_MAIN("log", tests)
